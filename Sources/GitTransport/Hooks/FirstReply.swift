import Synchronization

/// The first of the replies that several tasks may give to one hook; later ones count for nothing.
///
/// Not a group of tasks: a group waits for all, and a guard that hangs must not keep the client waiting.
final class FirstReply: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<HookReply, Never>)
        case given(HookReply)
    }

    private let state = Mutex(State.open)

    /// Gives a reply, unless there is one.
    func give(_ reply: HookReply) {
        let waiter = state.withLock { state -> CheckedContinuation<HookReply, Never>? in
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
    func wait() async -> HookReply {
        await withCheckedContinuation { continuation in
            let reply = state.withLock { state -> HookReply? in
                if case .given(let reply) = state { return reply }
                state = .awaited(continuation)
                return nil
            }
            if let reply { continuation.resume(returning: reply) }
        }
    }
}
