import Synchronization

/// Wakes one loop. Rung several times before the loop listens, it wakes it once.
final class WakeBell: Sendable {
    private struct State {
        var isRung = false
        var isClosed = false
        var waiter: CheckedContinuation<Bool, Never>?
    }

    private let state = Mutex(State())

    func ring() {
        state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard let waiter = state.waiter else {
                state.isRung = true
                return nil
            }
            state.waiter = nil
            return waiter
        }?.resume(returning: true)
    }

    /// Ends the loop, once it has seen what it was rung for.
    func close() {
        state.withLock { state -> CheckedContinuation<Bool, Never>? in
            state.isClosed = true
            defer { state.waiter = nil }
            return state.waiter
        }?.resume(returning: false)
    }

    /// - Returns: `false` when it is closed and was not rung.
    func wait() async -> Bool {
        await withCheckedContinuation { continuation in
            let answer: Bool? = state.withLock { state in
                if state.isRung {
                    state.isRung = false
                    return true
                }
                if state.isClosed { return false }
                state.waiter = continuation
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }
}
