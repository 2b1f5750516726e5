import Synchronization

/// The first of the replies that several tasks may give; later ones count for nothing.
///
/// Not a group of tasks: a group waits for all, and a guard that hangs must not keep the client waiting.
final class FirstReply<Reply: Sendable>: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Reply, Never>)
        case given(Reply)
    }

    private let state = Mutex<State>(.open)

    /// Gives a reply, unless there is one.
    func give(_ reply: Reply) {
        let waiter = state.withLock { state -> CheckedContinuation<Reply, Never>? in
            switch state {
            case .given: return nil
            case .open:
                state = .given(reply)
                return nil
            case .awaited(let waiter):
                state = .given(reply)
                return waiter
            }
        }
        waiter?.resume(returning: reply)
    }

    /// Waits for the reply; called once.
    func wait() async -> Reply {
        await withCheckedContinuation { continuation in
            let reply = state.withLock { state -> Reply? in
                if case .given(let reply) = state { return reply }
                state = .awaited(continuation)
                return nil
            }
            if let reply { continuation.resume(returning: reply) }
        }
    }
}
