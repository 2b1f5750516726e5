package import Logging

/// The one database of a node or a cluster: short, synchronous transactions, one SQL text for every engine.
///
/// Accesses wait on the engine's own queues and do not occupy a thread of the concurrency pool, but for
/// ``lookUp(_:)``. They are not cut short when the calling task is cancelled: a transaction either happened
/// or did not.
package final class SharedDatabase: Sendable {
    let engine: any DatabaseEngine
    let logger: Logger

    init(engine: any DatabaseEngine, logger: Logger) {
        self.engine = engine
        self.logger = logger
    }

    /// Opens the SQLite database in a file, or makes it when there is no such file.
    ///
    /// Write-ahead log, `synchronous=FULL`: what `write` has acknowledged survives a power cut, unless less
    /// was asked for. One writer at a time, up to four readers beside it. Blocks while it checks the file;
    /// call it at start.
    /// - Parameter path: Its folder must exist. A file that is empty, damaged, or another program's is
    ///   refused as it is.
    /// - Throws: ``DatabaseError/corrupt(path:reason:)``, ``DatabaseError/unavailable(reason:)``,
    ///   ``DatabaseError/full``.
    package static func openSQLite(path: String, logger: Logger) throws -> SharedDatabase {
        SharedDatabase(engine: try SQLiteEngine(path: path), logger: logger)
    }

    /// Opens a PostgreSQL database; connections are made when they are needed.
    ///
    /// `write` is acknowledged when the server has it on its disk, unless less was asked for. Several nodes
    /// may open one database. Transactions are READ COMMITTED: rows that a decision depends on are to be
    /// locked (``DatabaseTransaction/forUpdate``) or changed by statements that say under which condition.
    /// - Throws: ``DatabaseError/unavailable(reason:)`` when the URL cannot be read.
    package static func openPostgres(_ settings: PostgresSettings, logger: Logger) throws -> SharedDatabase {
        SharedDatabase(engine: try PostgresEngine(settings), logger: logger)
    }

    /// What is known of the database without asking it, which takes no time.
    package var health: DatabaseHealth { engine.currentHealth }

    /// Runs the body in a read-only transaction: all it reads is of one moment.
    /// - Parameter body: Short; on a thread of the engine.
    /// - Throws: What the body throws; ``DatabaseError``.
    package func read<V: Sendable>(
        _ body: @escaping @Sendable (DatabaseTransaction) throws -> V
    ) async throws -> V {
        try await engine.read(body)
    }

    /// As ``read(_:)``, for a few rows that are found by their keys: an engine that answers in microseconds
    /// runs the body on the calling thread, which spares the changes of threads that cost more than the rows.
    /// - Parameter body: Reads a few rows by key, never a list.
    /// - Throws: What the body throws; ``DatabaseError``.
    package func lookUp<V: Sendable>(
        _ body: @escaping @Sendable (DatabaseTransaction) throws -> V
    ) async throws -> V {
        try await engine.lookUp(body)
    }

    /// Runs the body in one transaction, committed when it returns and rolled back when it throws.
    /// - Parameter durability: What the commit survives.
    /// - Parameter body: Short, and without effects outside the database; on a thread of the engine.
    /// - Throws: What the body throws; ``DatabaseError``, also when the commit does not succeed.
    @discardableResult
    package func write<V: Sendable>(
        durability: Durability = .disk, _ body: @escaping @Sendable (DatabaseTransaction) throws -> V
    ) async throws -> V {
        try await engine.write(durability, body)
    }

    /// As ``write(durability:_:)`` with ``Durability/disk``, but others see the changes, and have the locks,
    /// before the disk has them: for what many write under the same locks, and where it does no harm that
    /// somebody saw what a power cut undid.
    /// - Parameter visible: Called with the value once others see the changes; what fails afterwards is
    ///   thrown as ``DatabaseError/outcomeUnknown(reason:)``.
    package func write<V: Sendable>(
        visible: @escaping @Sendable (V) -> Void,
        _ body: @escaping @Sendable (DatabaseTransaction) throws -> V
    ) async throws -> V {
        try await engine.write(visible: visible, body)
    }

    /// Waits for running transactions and closes. Later accesses throw
    /// ``DatabaseError/unavailable(reason:)``; closing again does nothing.
    package func close() async {
        await engine.close()
    }
}
