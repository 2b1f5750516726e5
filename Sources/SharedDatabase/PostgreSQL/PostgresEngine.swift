import Dispatch
import Synchronization

/// PostgreSQL through libpq: a pool of connections for transactions, and one that listens.
final class PostgresEngine: DatabaseEngine {
    private let pool: PostgresPool
    private let listener: PostgresListener
    private let health: PostgresHealth

    /// Connects when it is first used.
    /// - Throws: ``DatabaseError/unavailable(reason:)`` when the URL cannot be read.
    init(_ settings: PostgresSettings) throws(DatabaseError) {
        let connector = PostgresConnector(settings: settings)
        try connector.check()
        let health = PostgresHealth(patience: settings.connectTimeout)
        self.health = health
        pool = PostgresPool(size: settings.poolSize) { PostgresLane(connector, health: health) }
        listener = try PostgresListener(connector, health: health)
    }

    deinit {
        pool.close()
        listener.close()
    }

    var currentHealth: DatabaseHealth { health.current }

    func read<V: Sendable>(_ body: @escaping @Sendable (DatabaseTransaction) throws -> V) async throws -> V {
        try await run { try $0.transact(.read, body) }
    }

    func lookUp<V: Sendable>(_ body: @escaping @Sendable (DatabaseTransaction) throws -> V) async throws -> V
    {
        try await run { try $0.transact(.read, body) }
    }

    func write<V: Sendable>(
        _ durability: Durability, _ body: @escaping @Sendable (DatabaseTransaction) throws -> V
    ) async throws -> V {
        try await run { try $0.transact(.write(durability), body) }
    }

    func write<V: Sendable>(
        visible: @escaping @Sendable (V) -> Void,
        _ body: @escaping @Sendable (DatabaseTransaction) throws -> V
    ) async throws -> V {
        try await run { try $0.transact(.write(.process), visible: visible, body) }
    }

    func close() async {
        pool.close()
        listener.close()
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            DispatchQueue(label: "perigee.database.close").async { [pool, listener] in
                pool.waitForEnd()
                listener.waitForEnd()
                continuation.resume()
            }
        }
    }

    func text(of migration: Migration) -> String { migration.postgres }

    func signals(of channels: [String]) async throws -> AsyncStream<DatabaseSignal> {
        try await listener.listen(channels).stream()
    }

    func holdSessionLock(key: Int64) async throws -> SessionLock? {
        try await listener.lock(key)
    }

    func isSessionLockHeld(key: Int64) async throws -> Bool {
        let (high, low) = (Int64(UInt64(bitPattern: key) >> 32), key & 0xffff_ffff)
        return try await lookUp { transaction in
            try transaction.firstRow(
                """
                SELECT 1 AS held FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND classid::int8 = ? AND objid::int8 = ?
                """, [.integer(high), .integer(low)]) != nil
        }
    }

    private func run<V: Sendable>(_ body: @escaping @Sendable (PostgresLane) throws -> V) async throws -> V {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<V, any Error>) in
            let refusal = pool.submit { lane in
                continuation.resume(with: Result { try body(lane) })
            }
            if let refusal { continuation.resume(throwing: refusal) }
        }
    }
}
