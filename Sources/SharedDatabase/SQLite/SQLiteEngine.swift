import Dispatch
import GRDB
import Synchronization

/// A SQLite file behind GRDB's pool: one connection that writes, four that read.
final class SQLiteEngine: DatabaseEngine {
    private let pool: DatabasePool
    private let path: String
    /// Whether `close` has been called. Held while work is handed to the pool, which must not happen during a
    /// close.
    private let isClosed = Mutex(false)
    /// Whether the writing connection commits without a sync.
    private let isRelaxed = Mutex(false)
    /// The accesses that run on their callers' threads.
    private let lookUps = DispatchGroup()
    /// Who listens for notifications; they are of this process alone.
    private let signals = SignalHub()
    private let sessionLocks = Mutex<Set<Int64>>([])

    init(path: String) throws(DatabaseError) {
        self.path = path
        try SQLiteFile(path: path).prepare()
        var configuration = Configuration()
        configuration.label = "perigee.database"
        configuration.maximumReaderCount = 4
        configuration.busyMode = .timeout(5)
        configuration.foreignKeysEnabled = true
        configuration.prepareDatabase { database in
            // A mebibyte per connection is plenty for these tables and keeps an idle node small.
            try database.execute(sql: "PRAGMA cache_size = -1024")
        }
        do {
            pool = try DatabasePool(path: path, configuration: configuration)
            try pool.writeWithoutTransaction { database in
                // The pool sets NORMAL, with which a power cut loses the last commits.
                try database.execute(sql: "PRAGMA synchronous = FULL")
                try SQLiteEngine.check(database, path: path)
            }
        } catch {
            throw DatabaseError(error, path: path)
        }
    }

    func read<V: Sendable>(_ body: @escaping @Sendable (DatabaseTransaction) throws -> V) async throws -> V {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<V, any Error>) in
            let path = path
            let isAccepted = isClosed.withLock { isClosed in
                guard !isClosed else { return false }
                pool.asyncRead { access in
                    continuation.resume(
                        with: Result {
                            let database: Database
                            do {
                                database = try access.get()
                            } catch {
                                throw DatabaseError(error, path: path)
                            }
                            return try body(DatabaseTransaction(SQLiteConnection(database, path: path)))
                        })
                }
                return true
            }
            if !isAccepted { continuation.resume(throwing: DatabaseError.closed) }
        }
    }

    func lookUp<V: Sendable>(_ body: @escaping @Sendable (DatabaseTransaction) throws -> V) async throws -> V
    {
        try lookUpNow(body)
    }

    private func lookUpNow<V>(_ body: (DatabaseTransaction) throws -> V) throws -> V {
        let isAccepted = isClosed.withLock { isClosed in
            if !isClosed { lookUps.enter() }
            return !isClosed
        }
        guard isAccepted else { throw DatabaseError.closed }
        defer { lookUps.leave() }
        var bodyError: (any Error)?
        do {
            return try pool.read { database in
                do {
                    return try body(DatabaseTransaction(SQLiteConnection(database, path: path)))
                } catch {
                    bodyError = error
                    throw error
                }
            }
        } catch {
            throw bodyError ?? DatabaseError(error, path: path)
        }
    }

    func write<V: Sendable>(
        _ durability: Durability, _ body: @escaping @Sendable (DatabaseTransaction) throws -> V
    ) async throws -> V {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<V, any Error>) in
            let isAccepted = isClosed.withLock { isClosed in
                guard !isClosed else { return false }
                pool.asyncWriteWithoutTransaction { database in
                    continuation.resume(
                        with: Result {
                            try self.transact(database, durability: durability, body)
                        })
                }
                return true
            }
            if !isAccepted { continuation.resume(throwing: DatabaseError.closed) }
        }
    }

    func write<V: Sendable>(
        visible: @escaping @Sendable (V) -> Void,
        _ body: @escaping @Sendable (DatabaseTransaction) throws -> V
    ) async throws -> V {
        let value = try await write(.disk, body)
        visible(value)
        return value
    }

    func close() async {
        let isFirst = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return !isClosed
        }
        guard isFirst else { return }
        signals.close()
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            DispatchQueue(label: "perigee.database.close").async { [pool, lookUps] in
                lookUps.wait()
                // A connection that cannot be closed leaves its write-ahead log behind, which the next start
                // reads.
                try? pool.close()
                continuation.resume()
            }
        }
    }

    func text(of migration: Migration) -> String { migration.sqlite }

    var currentHealth: DatabaseHealth { .reachable }

    func signals(of channels: [String]) async throws -> AsyncStream<DatabaseSignal> {
        guard let mailbox = signals.add(channels) else { throw DatabaseError.closed }
        return mailbox.stream()
    }

    func holdSessionLock(key: Int64) async throws -> SessionLock? {
        guard !isClosed.withLock({ $0 }) else { throw DatabaseError.closed }
        guard sessionLocks.withLock({ $0.insert(key).inserted }) else { return nil }
        return SessionLock(key: key) { [weak self] _ in
            _ = self?.sessionLocks.withLock { $0.remove(key) }
        }
    }

    func isSessionLockHeld(key: Int64) async throws -> Bool {
        sessionLocks.withLock { $0.contains(key) }
    }

    /// Sets what the next commit of the writing connection survives, where that changes.
    ///
    /// With NORMAL a commit is in the write-ahead log, which the system writes to the disk in its own time.
    private func synchronize(_ database: Database, _ durability: Durability) throws {
        switch (durability, isRelaxed.withLock { $0 }) {
        case (.process, false):
            isRelaxed.withLock { $0 = true }
            try database.execute(sql: "PRAGMA synchronous = NORMAL")
        case (.disk, true):
            try database.execute(sql: "PRAGMA synchronous = FULL")
            isRelaxed.withLock { $0 = false }
        case (.process, true), (.disk, false): break
        }
    }

    private func transact<V>(
        _ database: Database, durability: Durability, _ body: (DatabaseTransaction) throws -> V
    ) throws -> V {
        let connection = SQLiteConnection(database, path: path)
        do {
            try synchronize(database, durability)
            try database.beginTransaction(.immediate)
        } catch {
            throw DatabaseError(error, path: path)
        }
        do {
            let value = try body(DatabaseTransaction(connection))
            if let error = connection.firstError { throw error }
            try connection.commit()
            for notification in connection.notifications {
                signals.deliver(channel: notification.channel, payload: notification.payload)
            }
            return value
        } catch {
            // SQLite itself has rolled back already after some errors, such as a full disk.
            if database.isInsideTransaction { try? database.rollback() }
            throw error
        }
    }

    /// Looks for damage: always in the schema, in all pages when the file is small enough to be read at each
    /// start.
    private static func check(_ database: Database, path: String) throws {
        _ = try Int64.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master")
        let pages = try Int64.fetchOne(database, sql: "PRAGMA page_count") ?? 0
        guard pages <= 16 * 1024 else { return }
        let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? "nothing"
        guard verdict == "ok" else { throw DatabaseError.corrupt(path: path, reason: verdict) }
    }
}
