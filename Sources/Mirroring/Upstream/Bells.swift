import Synchronization

/// Wake-ups by name for tasks that wait. A ring before the wait is not lost: each wait begins with a ticket
/// that was taken before looking.
final class Bells: Sendable {
    private struct Waiter {
        let name: String
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var rings: [String: UInt64] = [:]
        var all: UInt64 = 0
        var waiters: [UInt64: Waiter] = [:]
        var lastWaiter: UInt64 = 0
    }

    private let state = Mutex(State())

    /// How often it has rung so far.
    func ticket(_ name: String) -> UInt64 { state.withLock { $0.all &+ $0.rings[name, default: 0] } }

    /// Wakes who waits for this name.
    func ring(_ name: String) {
        let woken = state.withLock { state in
            state.rings[name, default: 0] &+= 1
            let ids = state.waiters.filter { $0.value.name == name }.map(\.key)
            return ids.compactMap { state.waiters.removeValue(forKey: $0) }
        }
        for waiter in woken { waiter.continuation.resume() }
    }

    /// Wakes everybody.
    func ringAll() {
        let woken = state.withLock { state in
            state.all &+= 1
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in woken { waiter.continuation.resume() }
    }

    /// Waits until it rings after the ticket was taken, the time is over, or the task is cancelled.
    func wait(_ name: String, after ticket: UInt64, atMost time: Duration) async {
        let id = state.withLock { state in
            state.lastWaiter &+= 1
            return state.lastWaiter
        }
        let alarm = Task { [weak self] in
            try? await Task.sleep(for: time)
            self?.wake(id)
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard state.all &+ state.rings[name, default: 0] == ticket, !Task.isCancelled else {
                        return false
                    }
                    state.waiters[id] = Waiter(name: name, continuation: continuation)
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            wake(id)
        }
        alarm.cancel()
    }

    private func wake(_ id: UInt64) {
        let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
        waiter?.continuation.resume()
    }
}
