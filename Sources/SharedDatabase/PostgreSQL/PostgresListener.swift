import Dispatch
import Glibc
import Synchronization

/// The one connection that hears notifications and holds session locks, with its thread. It is made with the
/// first request, and made again for as long as the engine is open.
final class PostgresListener: Sendable {
    /// What its thread is asked for.
    enum Request: Sendable {
        case listen([String], CheckedContinuation<SignalMailbox, any Error>)
        case lock(Int64, CheckedContinuation<SessionLock?, any Error>)
        case unlock(SessionLock, CheckedContinuation<Void, Never>)
    }

    private struct State {
        var requests: [Request] = []
        var isStarted = false
        var isClosed = false
    }

    let connector: PostgresConnector
    let health: PostgresHealth
    let hub = SignalHub()
    let wake: WakeSign
    private let state = Mutex(State())
    private let ended = DispatchGroup()

    init(_ connector: PostgresConnector, health: PostgresHealth) throws(DatabaseError) {
        self.connector = connector
        self.health = health
        wake = try WakeSign()
    }

    func listen(_ channels: [String]) async throws -> SignalMailbox {
        try await withCheckedThrowingContinuation { continuation in
            if let error = ask(.listen(channels, continuation)) { continuation.resume(throwing: error) }
        }
    }

    func lock(_ key: Int64) async throws -> SessionLock? {
        try await withCheckedThrowingContinuation { continuation in
            if let error = ask(.lock(key, continuation)) { continuation.resume(throwing: error) }
        }
    }

    /// Gives back a lock that has just been marked as no longer held.
    func unlock(_ lock: SessionLock) async {
        await withCheckedContinuation { continuation in
            if ask(.unlock(lock, continuation)) != nil { continuation.resume() }
        }
    }

    /// Ends the thread, and with it all locks and streams.
    func close() {
        state.withLock { $0.isClosed = true }
        wake.raise()
        if !state.withLock({ $0.isStarted }) { hub.close() }
    }

    /// Blocks until the thread has ended.
    func waitForEnd() { ended.wait() }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// What was asked since the last time.
    func takeRequests() -> [Request] {
        state.withLock { state in
            defer { state.requests = [] }
            return state.requests
        }
    }

    private func ask(_ request: Request) -> DatabaseError? {
        let (error, mustStart) = state.withLock { state -> (DatabaseError?, Bool) in
            guard !state.isClosed else { return (.closed, false) }
            state.requests.append(request)
            defer { state.isStarted = true }
            if !state.isStarted { ended.enter() }
            return (nil, !state.isStarted)
        }
        if error == nil { wake.raise() }
        if mustStart { start() }
        return error
    }

    private func start() {
        let isStarted = SystemThread.start { [self] in
            PostgresListening(self).run()
            ended.leave()
        }
        guard !isStarted else { return }
        state.withLock { $0.isClosed = true }
        PostgresListening(self).refuseAll(.unavailable(reason: "the system has no thread left"))
        ended.leave()
    }
}
