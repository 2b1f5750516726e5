import Synchronization

/// What the connections have found out about the server, and who of them may try it next.
final class PostgresHealth: Sendable {
    /// Whether to try to connect.
    enum Permit {
        /// Try, and report.
        case attempt
        /// Somebody else does, or the pause after the last attempt is not over.
        case wait
        /// It has been away for so long that waiting makes no sense.
        case refuse(reason: String)
    }

    private struct State {
        var health = DatabaseHealth.reachable
        var backoff = Backoff(first: .milliseconds(25), longest: .milliseconds(1000))
        var nextAttempt = ContinuousClock.now
        var isAttempting = false
        var nextReadOnlyAttempt = ContinuousClock.now
    }

    private let state = Mutex(State())
    private let patience: Duration

    /// - Parameter patience: How long after its loss the server is still waited for.
    init(patience: Duration) { self.patience = patience }

    var current: DatabaseHealth { state.withLock { $0.health } }

    /// Whether the caller may try to connect; an attempt ends in ``noteAnswer(isReadOnly:)`` or
    /// ``noteFailure(reason:)``.
    func permit() -> Permit {
        state.withLock { state in
            guard case .unreachable(let since, let reason) = state.health else { return .attempt }
            let now = ContinuousClock.now
            if !state.isAttempting, now >= state.nextAttempt {
                state.isAttempting = true
                return .attempt
            }
            return now - since > patience ? .refuse(reason: reason) : .wait
        }
    }

    func noteAnswer(isReadOnly: Bool) {
        state.withLock { state in
            state.isAttempting = false
            state.backoff.reset()
            state.health = isReadOnly ? .readOnly : .reachable
        }
    }

    func noteFailure(reason: String) {
        state.withLock { state in
            state.isAttempting = false
            let now = ContinuousClock.now
            state.nextAttempt = now + state.backoff.next()
            if case .unreachable(let since, _) = state.health {
                state.health = .unreachable(since: since, reason: reason)
            } else {
                state.health = .unreachable(since: now, reason: reason)
            }
        }
    }

    /// Whether a connection that takes no changes may be made anew now, in search of a server that does.
    func mayLookForWriter() -> Bool {
        state.withLock { state in
            let now = ContinuousClock.now
            guard now >= state.nextReadOnlyAttempt else { return false }
            state.nextReadOnlyAttempt = now + .milliseconds(500)
            return true
        }
    }
}
