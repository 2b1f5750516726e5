import Synchronization

/// Lets one holder of a ticket pass at a time, in the order in which tickets were drawn.
final class WaitingLine: Sendable {
    private struct State {
        var lastTicket = 0
        var served = 1
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    /// Every ticket that is drawn must be waited for and then followed by `advance`.
    func drawTicket() -> Int {
        state.withLock { state in
            state.lastTicket += 1
            return state.lastTicket
        }
    }

    /// Returns when it is this ticket's turn.
    func wait(for ticket: Int) async {
        await withCheckedContinuation { continuation in
            let isServed = state.withLock { state in
                guard state.served != ticket else { return true }
                state.waiting[ticket] = continuation
                return false
            }
            if isServed { continuation.resume() }
        }
    }

    /// Ends the current turn.
    func advance() {
        let next = state.withLock { state in
            state.served += 1
            return state.waiting.removeValue(forKey: state.served)
        }
        next?.resume()
    }
}
