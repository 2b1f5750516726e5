import SharedDatabase

extension ExecutorService {
    /// The figures of all executors, of whichever node.
    /// - Throws: ``DatabaseError``.
    package func fetchOverviews() async throws -> [ExecutorOverview] {
        try await database.read { try ExecutorRows.overviews($0) }
    }

    /// Dead letters, oldest first.
    /// - Parameters:
    ///   - namespace: Whose; with `name` one executor's, without both of all.
    ///   - after: The last one that is known; 0 for none.
    ///   - limit: At most 1,000.
    /// - Throws: ``DatabaseError``.
    package func fetchDeadLetters(
        namespace: String? = nil, name: String? = nil, after: Int64 = 0, limit: Int = 100
    ) async throws -> [DeadLetter] {
        let limit = min(max(1, limit), 1000)
        return try await database.read { transaction in
            guard let namespace, let name else {
                return try ExecutorRows.deadLetters(executor: nil, after: after, limit: limit, transaction)
            }
            guard let id = try Self.id(namespace, name, transaction) else { return [] }
            return try ExecutorRows.deadLetters(executor: id, after: after, limit: limit, transaction)
        }
    }

    /// Submits dead letters again, at the ends of their buckets, as if they were new.
    /// - Parameter id: One of them; `nil` for all.
    /// - Returns: How many.
    /// - Throws: ``DatabaseError``.
    @discardableResult
    package func retryDeadLetters(namespace: String, name: String, id: Int64? = nil) async throws -> Int {
        try await removeDead(namespace, name, id, retries: true)
    }

    /// Deletes dead letters.
    /// - Parameter id: One of them; `nil` for all.
    /// - Returns: How many.
    /// - Throws: ``DatabaseError``.
    @discardableResult
    package func dropDeadLetters(namespace: String, name: String, id: Int64? = nil) async throws -> Int {
        try await removeDead(namespace, name, id, retries: false)
    }

    private func removeDead(
        _ namespace: String, _ name: String, _ id: Int64?, retries: Bool
    ) async throws -> Int {
        var total = 0
        while true {
            let (executor, count) = try await database.write { transaction -> (Int64?, Int) in
                guard let executor = try Self.id(namespace, name, transaction) else { return (nil, 0) }
                let rows = try ExecutorRows(transaction)
                return (executor, try rows.removeDead(executor, id: id, retries: retries, limit: 500))
            }
            total += count
            if retries, let executor, count > 0 { wake([executor]) }
            if count < 500 { return total }
        }
    }

    /// Deletes all that a namespace's executors hold: tasks, delayed ones, dead letters. What is worked on at
    /// the moment ends without an effect on the tables.
    /// - Throws: ``DatabaseError``.
    package func removeAll(namespace: String) async throws {
        try await database.write { transaction in
            let ids = try transaction.rows("SELECT id FROM executor WHERE namespace = ?", [.text(namespace)])
            for id in try ids.map({ try $0.integer("id") }) {
                for table in ["bucket", "tail", "task", "delayed", "dead", "usage"] {
                    try transaction.execute(
                        "DELETE FROM executor_\(table) WHERE executor_id = ?", [.integer(id)])
                }
                try transaction.execute("DELETE FROM executor WHERE id = ?", [.integer(id)])
            }
        }
    }

    private static func id(
        _ namespace: String, _ name: String, _ transaction: DatabaseTransaction
    ) throws -> Int64? {
        try transaction.firstRow(
            "SELECT id FROM executor WHERE namespace = ? AND name = ?", [.text(namespace), .text(name)]
        )?.integer("id")
    }
}
