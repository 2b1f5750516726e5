package import Portable
package import SharedDatabase

/// Events written down in the transaction of what they tell of, and kept until every subscriber has
/// finished with them: neither a kill nor a stop loses one.
///
/// Each node has a stream of its own, since events are delivered on the node that raised them.
package struct EventLog: Sendable {
    /// The tables of the log.
    package static let migrations: [Migration] = ClusterMigrations.events

    /// How long events are kept for a subscriber that does not come back.
    static let keptMilliseconds: Int64 = 30 * 86_400_000
    static let batchMax = 64
    /// Entries of lists in a batch, so that few large events fill one, as many small ones do.
    static let batchEntriesMax = 10_000

    let database: SharedDatabase
    let node: DatabaseValue

    /// - Parameter node: Names this node; the same at every start of its home.
    package init(database: SharedDatabase, node: NodeID) {
        self.database = database
        self.node = .text(node.rawValue)
    }

    /// Writes an event down. It is delivered when the transaction is committed and ``EventBus/wake()``
    /// called.
    /// - Parameter payload: The facts; `nil` when the source makes them when they are needed.
    /// - Throws: `DatabaseError`; `PortableError` when the payload is too large.
    package func append(
        _ key: String, id: String, payload: PortableValue?, repository: RepositoryID?,
        in transaction: DatabaseTransaction
    ) throws {
        let bytes = try payload.map { try MessagePack.encode($0, limits: .unlimited) }
        // The database's timeline is in the upper bits: after a failover that lost the last events, later
        // ones must not get the positions that subscribers have finished with.
        let base = "(\(transaction.timelineExpression) << 40)"
        let next = """
            INSERT INTO event_stream (node_id, position) VALUES (?, \(base) + 1)
            ON CONFLICT (node_id) DO UPDATE SET position =
                CASE WHEN event_stream.position < \(base) THEN \(base) ELSE event_stream.position END + 1
            RETURNING position AS id
            """
        let position = try transaction.insert(next, [node])
        let sql = """
            INSERT INTO event_outbox
                (node_id, position, event_id, event_key, repository_id, payload, created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """
        try transaction.execute(
            sql,
            [
                node, .integer(position), .text(id), .text(key), .id(repository), .optional(bytes),
                .integer(transaction.now()),
            ])
    }

    /// The position of the last event.
    func end() async throws -> Int64 {
        try await database.read { [self] in try end(in: $0) }
    }

    private func end(in transaction: DatabaseTransaction) throws -> Int64 {
        let sql = "SELECT position FROM event_stream WHERE node_id = ?"
        return try transaction.firstRow(sql, [node])?.integer("position") ?? 0
    }

    /// The events of some keys after a position, oldest first; not all at once when there are many.
    func fetch(
        after position: Int64, keys: Set<String>, from source: any EventSource,
        unreadable: @escaping @Sendable (_ position: Int64, any Error) -> Void
    ) async throws -> EventBatch {
        try await database.read { [self] transaction in
            let end = max(position, try end(in: transaction))
            let sql = """
                SELECT position, event_id, event_key, repository_id, payload FROM event_outbox
                WHERE node_id = ? AND position > ? ORDER BY position LIMIT \(Self.batchMax)
                """
            let rows = end > position ? try transaction.rows(sql, [node, .integer(position)]) : []
            var (events, entries, to) = ([StoredEvent](), 0, position)
            for row in rows {
                guard entries < Self.batchEntriesMax else {
                    return EventBatch(events: events, from: position, to: to, keys: keys, isCut: true)
                }
                to = try row.integer("position")
                let key = try row.text("event_key")
                guard keys.contains(key) || keys.contains("*") else { continue }
                do {
                    guard let event = try source.event(for: EventRecord(row), in: transaction) else {
                        continue
                    }
                    entries += event.entryCount
                    events.append(StoredEvent(position: to, event: event))
                } catch let error where !error.isDatabases {
                    unreadable(to, error)
                }
            }
            let isCut = rows.count == Self.batchMax
            return EventBatch(
                events: events, from: position, to: isCut ? to : end, keys: keys, isCut: isCut)
        }
    }
}

extension EventRecord {
    fileprivate init(_ row: DatabaseRow) throws {
        let bytes = try row.optionalBlob("payload")
        self.init(
            position: try row.integer("position"), id: try row.text("event_id"),
            key: try row.text("event_key"), repository: try row.optionalID("repository_id"),
            payload: try bytes.map { try MessagePack.decode($0, limits: .unlimited) })
    }
}

extension Event {
    /// How large it is, in entries of its lists.
    fileprivate var entryCount: Int {
        guard case .map(let members) = payload else { return 1 }
        return members.values.reduce(1) { $0 + ($1.listValue?.count ?? 0) }
    }
}

extension Error {
    /// Whether the same may go well the next time.
    fileprivate var isDatabases: Bool {
        switch self as? DatabaseError {
        case nil, .column: false
        default: true
        }
    }
}
