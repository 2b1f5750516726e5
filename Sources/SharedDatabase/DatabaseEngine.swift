/// One open database, of whichever kind. Accesses run on the engine's own threads.
protocol DatabaseEngine: Sendable {
    /// Runs the body in a read-only transaction.
    func read<V: Sendable>(_ body: @escaping @Sendable (DatabaseTransaction) throws -> V) async throws -> V
    /// Runs the body in a read-only transaction, on the calling thread where a row takes microseconds.
    func lookUp<V: Sendable>(_ body: @escaping @Sendable (DatabaseTransaction) throws -> V) async throws -> V
    /// Runs the body in a transaction that is committed when it returns and rolled back when it throws.
    func write<V: Sendable>(
        _ durability: Durability, _ body: @escaping @Sendable (DatabaseTransaction) throws -> V
    ) async throws -> V
    /// Waits for running accesses, then closes; later accesses throw ``DatabaseError/unavailable(reason:)``.
    func close() async
    /// The engine's text of a migration.
    func text(of migration: Migration) -> String
}

/// One connection within a transaction.
protocol DatabaseConnection: AnyObject {
    func execute(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError) -> Int
    func rows(_ sql: String, _ arguments: [DatabaseValue], limit: Int?) throws(DatabaseError) -> [DatabaseRow]
    func now() throws(DatabaseError) -> Int64
}
