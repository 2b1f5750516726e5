import Synchronization

/// Wake-ups by name for tasks that wait. A ring before the wait is not lost: each wait begins with a ticket
/// that was taken before looking.
///
/// Names share a fixed number of bells, so a task may be woken for another name.
final class Bells: Sendable {
    private struct Bell {
        var rings: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]

        /// Who is to be woken.
        mutating func ring() -> [CheckedContinuation<Void, Never>] {
            rings &+= 1
            defer { waiters = [:] }
            return Array(waiters.values)
        }
    }

    private struct State {
        var bells = [Bell](repeating: Bell(), count: Bells.count)
        var lastWaiter: UInt64 = 0
    }

    private static let count = 1024
    private let state = Mutex(State())

    private static func place(of name: String) -> Int {
        Int(UInt(bitPattern: name.hashValue) % UInt(count))
    }

    /// How often it has rung so far.
    func ticket(_ name: String) -> UInt64 { state.withLock { $0.bells[Self.place(of: name)].rings } }

    /// Wakes who waits for this name.
    func ring(_ name: String) {
        let place = Self.place(of: name)
        let woken = state.withLock { $0.bells[place].ring() }
        for waiter in woken { waiter.resume() }
    }

    /// Wakes everybody.
    func ringAll() {
        let woken = state.withLock { state in state.bells.indices.flatMap { state.bells[$0].ring() } }
        for waiter in woken { waiter.resume() }
    }

    /// Waits until it rings after the ticket was taken, the time is over, or the task is cancelled.
    func wait(_ name: String, after ticket: UInt64, atMost time: Duration) async {
        let place = Self.place(of: name)
        let id = state.withLock { state in
            state.lastWaiter &+= 1
            return state.lastWaiter
        }
        let alarm = Task { [weak self] in
            try? await Task.sleep(for: time)
            self?.wake(id, at: place)
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard state.bells[place].rings == ticket, !Task.isCancelled else { return false }
                    state.bells[place].waiters[id] = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            wake(id, at: place)
        }
        alarm.cancel()
    }

    private func wake(_ id: UInt64, at place: Int) {
        let waiter = state.withLock { $0.bells[place].waiters.removeValue(forKey: id) }
        waiter?.resume()
    }
}
