extension SharedDatabase {
    /// Every notification of these channels from now on, in the order of the commits that sent them.
    ///
    /// ``DatabaseSignal/interrupted`` comes first when the database cannot be heard at the moment. The stream
    /// is for one reader; it ends when the database is closed and when the reader's task is cancelled.
    /// - Throws: ``DatabaseError/unavailable(reason:)`` after ``close()``.
    package func signals(of channels: [String]) async throws -> AsyncStream<DatabaseSignal> {
        for channel in channels { try DatabaseSignal.check(channel: channel, payload: "") }
        return try await engine.signals(of: channels)
    }

    /// Notifies in a transaction of its own, which a power cut may undo.
    /// - Throws: ``DatabaseError``.
    package func notify(_ channel: String, _ payload: String) async throws {
        try await write(durability: .process) { try $0.notify(channel, payload) }
    }

    /// Holds a lock for as long as this process's session with the database lives.
    /// - Returns: `nil` when somebody else holds it, in whichever process.
    /// - Throws: ``DatabaseError``.
    package func holdSessionLock(key: Int64) async throws -> SessionLock? {
        try await engine.holdSessionLock(key: key)
    }

    /// Whether anybody holds it, this process included.
    /// - Throws: ``DatabaseError``.
    package func isSessionLockHeld(key: Int64) async throws -> Bool {
        try await engine.isSessionLockHeld(key: key)
    }
}
