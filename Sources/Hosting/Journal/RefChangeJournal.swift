internal import ClusterServices
package import Portable
internal import SharedDatabase

/// What happened to refs, written down so that each acknowledged change gives at least one event.
///
/// A row goes from intended (before git moves the refs) to confirmed (before the client reads the report) to
/// delivered (after every subscriber of the event has finished). With its confirmation an event goes into
/// the log, in the same transaction. A node that dies leaves intended rows, which the refs on disk then
/// confirm or drop, and events in the log, which are then delivered.
package struct RefChangeJournal: Sendable {
    let services: Services

    /// How long delivered rows are kept.
    static let keptMilliseconds: Int64 = 30 * 86_400_000

    /// Writes down, durably, what is about to happen.
    /// - Throws: What a fence says, too.
    func intend(
        _ push: PushID, repository: RepositoryID, user: UserID?, trigger: PushTrigger, changes: [RefChange],
        fences: [WriteFence] = []
    ) async throws {
        let bytes = try JournalCoding.encode(changes)
        try await services.write(changesAccess: false) { [node = services.node] transaction in
            for fence in fences { try fence.check(in: transaction) }
            let sql = """
                INSERT INTO ref_change_journal (push_id, node_id, repository_id, user_id, push_trigger,
                    changes, state,
                    created_at) VALUES (?, ?, ?, ?, ?, ?, 'intended', ?)
                """
            try transaction.execute(
                sql,
                [
                    .text(push.rawValue), .text(node.rawValue), .id(repository), .id(user),
                    .text(trigger.rawValue),
                    .blob(bytes), .integer(transaction.now()),
                ])
        }
    }

    /// Writes down that it happened, and queues its event. Confirming again does nothing.
    ///
    /// A power cut may undo this: the next start then finds the row intended, and the refs on disk
    /// confirm it.
    /// - Parameter changes: What happened of what was intended; none drops the row.
    func confirm(_ push: PushID, repository: RepositoryID, changes: [RefChange]) async throws {
        guard !changes.isEmpty else { return try await discard(push) }
        let bytes = try JournalCoding.encode(changes)
        let isKnown = try await services.change(durability: .process, changesAccess: false) {
            [log = services.log] transaction in
            let sql = """
                UPDATE ref_change_journal SET state = 'confirmed', changes = ?, confirmed_at = ?
                WHERE push_id = ? AND state = 'intended'
                """
            let arguments: [DatabaseValue] = [
                .blob(bytes), .integer(try transaction.now()), .text(push.rawValue),
            ]
            if try transaction.execute(sql, arguments) > 0 {
                try log.append(
                    HostingEvents.refsChanged, id: push.rawValue, payload: nil, repository: repository,
                    in: transaction)
                return true
            }
            let row = try transaction.firstRow(
                "SELECT id FROM ref_change_journal WHERE push_id = ?", [.text(push.rawValue)])
            return row != nil
        }
        guard isKnown else {
            throw HostingError.unavailable(reason: "the journal has no row for push \(push)")
        }
    }

    /// Drops what was intended and did not happen.
    func discard(_ push: PushID) async throws {
        try await services.write(changesAccess: false) { transaction in
            try transaction.execute(
                "DELETE FROM ref_change_journal WHERE push_id = ? AND state = 'intended'",
                [.text(push.rawValue)])
        }
    }

    /// The last changes of a repository, newest first, in any state.
    package func recent(in repository: RepositoryID, limit: Int) async throws -> [JournalEntry] {
        try await services.read { transaction in
            let sql = """
                SELECT \(JournalEntry.columns) FROM ref_change_journal AS j WHERE j.repository_id = ?
                ORDER BY j.id DESC LIMIT ?
                """
            return try transaction.rows(sql, [.id(repository), .integer(Int64(max(0, limit)))])
                .map(JournalEntry.init(row:))
        }
    }

    /// The repositories with intended changes that this node left.
    func repositoriesDue() async throws -> [RepositoryID] {
        try await services.read { [node = services.node] transaction in
            let sql = """
                SELECT DISTINCT j.repository_id AS repository_id FROM ref_change_journal AS j
                WHERE j.state = 'intended' AND j.node_id = ?
                """
            return try transaction.rows(sql, [.text(node.rawValue)]).map { try $0.id("repository_id") }
        }
    }

    /// Removes delivered rows that are older than a month.
    func removeOld() async throws {
        let oldest = try await services.read { transaction in
            try transaction.firstRow("SELECT created_at FROM ref_change_journal ORDER BY id LIMIT 1")?
                .integer("created_at") ?? .max
        }
        try await services.write(changesAccess: false) { transaction in
            let limit = try transaction.now() - Self.keptMilliseconds
            guard oldest < limit else { return }
            try transaction.execute(
                "DELETE FROM ref_change_journal WHERE state = 'delivered' AND delivered_at < ?",
                [.integer(limit)])
        }
    }
}
