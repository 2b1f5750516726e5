internal import SharedDatabase

extension EventLog {
    /// Up to where a subscriber has finished; a new one begins at the end.
    func openCursor(_ subscriber: String) async throws -> Int64 {
        let known = try await database.read { [node] transaction in
            try transaction.firstRow(Self.cursorSQL, [node, .text(subscriber)])?.integer("position")
        }
        if let known { return known }
        return try await database.write { [node] transaction in
            let sql = """
                INSERT INTO event_cursor (node_id, subscriber, position)
                VALUES (?, ?, COALESCE((SELECT position FROM event_stream WHERE node_id = ?), 0))
                ON CONFLICT DO NOTHING
                """
            try transaction.execute(sql, [node, .text(subscriber), node])
            return try transaction.firstRow(Self.cursorSQL, [node, .text(subscriber)])?
                .integer("position") ?? 0
        }
    }

    private static let cursorSQL =
        "SELECT position FROM event_cursor WHERE node_id = ? AND subscriber = ?"

    /// Gives up the places of subscribers that will not come back: nothing is kept for them any more.
    func closeCursors(where isGone: @escaping @Sendable (String) -> Bool) async throws {
        let names = try await database.read { [node] transaction in
            try transaction.rows("SELECT subscriber FROM event_cursor WHERE node_id = ?", [node])
                .map { try $0.text("subscriber") }
        }
        let gone = names.filter(isGone)
        guard !gone.isEmpty else { return }
        try await database.write { [node] transaction in
            for name in gone {
                try transaction.execute(
                    "DELETE FROM event_cursor WHERE node_id = ? AND subscriber = ?", [node, .text(name)])
            }
        }
    }

    /// Writes down up to where subscribers have finished, and removes what all have finished with. A
    /// power cut may undo it, and the events come again.
    /// - Returns: Whether more is to be removed.
    func save(_ positions: [String: Int64], source: any EventSource) async throws -> Bool {
        try await database.write(durability: .process) { [node] transaction in
            for (subscriber, position) in positions.sorted(by: { $0.key < $1.key }) {
                let sql = """
                    UPDATE event_cursor SET position = ?
                    WHERE node_id = ? AND subscriber = ? AND position < ?
                    """
                try transaction.execute(
                    sql, [.integer(position), node, .text(subscriber), .integer(position)])
            }
            return try Self.removeFinished(of: node, source: source, in: transaction)
        }
    }

    /// Where nobody subscribes, everything is finished.
    private static func removeFinished(
        of node: DatabaseValue, source: any EventSource, in transaction: DatabaseTransaction
    ) throws -> Bool {
        let sql = """
            SELECT position, event_id, event_key, repository_id FROM event_outbox
            WHERE node_id = ? AND position <= COALESCE(
                (SELECT MIN(position) FROM event_cursor WHERE node_id = ?),
                (SELECT position FROM event_stream WHERE node_id = ?))
            ORDER BY position LIMIT \(removedMax)
            """
        let records = try transaction.rows(sql, [node, node, node]).map { row in
            EventRecord(
                position: try row.integer("position"), id: try row.text("event_id"),
                key: try row.text("event_key"), repository: try row.optionalID("repository_id"),
                payload: nil)
        }
        guard let last = records.last else { return false }
        try source.finished(records, in: transaction)
        try transaction.execute(
            "DELETE FROM event_outbox WHERE node_id = ? AND position <= ?", [node, .integer(last.position)])
        return records.count == removedMax
    }

    private static let removedMax = 500

    /// Lets go of what has waited for a month for a subscriber that does not come.
    /// - Returns: The subscribers that lose events by it.
    func giveUpOld() async throws -> [String] {
        let old = try await database.read { [node] transaction in
            let sql = "SELECT MAX(position) AS last FROM event_outbox WHERE node_id = ? AND created_at < ?"
            let arguments: [DatabaseValue] = [node, .integer(try transaction.now() - Self.keptMilliseconds)]
            return try transaction.firstRow(sql, arguments)?.optionalInteger("last")
        }
        guard let old else { return [] }
        return try await database.write { [node] transaction in
            let behind = "node_id = ? AND position < ?"
            let arguments: [DatabaseValue] = [node, .integer(old)]
            let names = try transaction.rows("SELECT subscriber FROM event_cursor WHERE \(behind)", arguments)
                .map { try $0.text("subscriber") }
            try transaction.execute(
                "UPDATE event_cursor SET position = ? WHERE \(behind)", [.integer(old)] + arguments)
            return names
        }
    }
}
