import Synchronization

/// Counts what is going on, so that somebody can wait for its end.
final class Visits: Sendable {
    /// One of them; over when nobody holds it any more, however that comes about.
    final class Visit: Sendable {
        private let visits: Visits
        fileprivate init(_ visits: Visits) { self.visits = visits }
        deinit { visits.end() }
    }

    private struct State {
        var count = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter = 0
    }

    private let state = Mutex(State())

    /// One more.
    func begin() -> Visit {
        state.withLock { $0.count += 1 }
        return Visit(self)
    }

    /// Returns when there are none, or when the task is cancelled.
    func waitForNone() async {
        let number = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard state.count > 0, !Task.isCancelled else { return true }
                    state.waiters[number] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
        }
    }

    private func end() {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.count -= 1
            guard state.count == 0 else { return [] }
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }
}
