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
    /// As a write to the disk; `visible` is called once others see the changes, if that is before.
    func write<V: Sendable>(
        visible: @escaping @Sendable (V) -> Void,
        _ body: @escaping @Sendable (DatabaseTransaction) throws -> V
    ) async throws -> V
    /// Waits for running accesses, then closes; later accesses throw ``DatabaseError/unavailable(reason:)``.
    func close() async
    /// What is known of the database without asking it.
    var currentHealth: DatabaseHealth { get }
    /// The engine's text of a migration.
    func text(of migration: Migration) -> String
    /// The notifications of these channels from now on.
    func signals(of channels: [String]) async throws -> AsyncStream<DatabaseSignal>
    /// Holds a lock for as long as a session lives; `nil` when somebody else does.
    func holdSessionLock(key: Int64) async throws -> SessionLock?
    /// Whether anybody holds that lock.
    func isSessionLockHeld(key: Int64) async throws -> Bool
}

/// One connection within a transaction.
protocol DatabaseConnection: AnyObject {
    func execute(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError) -> Int
    /// Runs a statement whose answer nobody needs; an error may be met by what comes after it.
    func enqueue(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError)
    func rows(_ sql: String, _ arguments: [DatabaseValue], limit: Int?) throws(DatabaseError) -> [DatabaseRow]
    /// Runs queries together, and commits with them when they are the last.
    func rows(
        ofAll statements: [(sql: String, arguments: [DatabaseValue])], isLast: Bool
    ) throws(DatabaseError) -> [[DatabaseRow]]
    func now() throws(DatabaseError) -> Int64
    func timeline() throws(DatabaseError) -> Int64
    func notify(_ channel: String, _ payload: String) throws(DatabaseError)
    /// Lets the statements of this transaction take that long.
    func allow(_ time: Duration) throws(DatabaseError)
    /// Whether several processes share the tables.
    var isShared: Bool { get }
}
