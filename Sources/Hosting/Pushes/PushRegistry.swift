internal import Portable
internal import Synchronization

/// The changes of refs that are going on: pushes by the hash of their secret, and the ids of all.
final class PushRegistry: Sendable {
    private struct State {
        var sessions: [String: PushSession] = [:]
        var live: Set<PushID> = []
    }

    private let state = Mutex(State())

    /// Makes the session findable, and live, until ``remove(_:)``.
    func add(_ session: PushSession) {
        let key = SecretDigest.hash(session.secret)
        state.withLock { state in
            state.sessions[key] = session
            state.live.insert(session.id)
        }
    }

    /// The session of this secret.
    func session(secret: String) -> PushSession? {
        // Hashing first makes the time of the look-up say nothing about the secrets that exist.
        let key = SecretDigest.hash(secret)
        return state.withLock { $0.sessions[key] }
    }

    /// Ends the secret's use.
    func remove(_ session: PushSession) {
        let key = SecretDigest.hash(session.secret)
        state.withLock { state in
            state.sessions[key] = nil
            state.live.remove(session.id)
        }
    }

    /// Marks a change that is no git client's as live, until ``end(_:)``.
    func begin(_ push: PushID) { _ = state.withLock { $0.live.insert(push) } }

    /// Marks a change as no longer live.
    func end(_ push: PushID) { _ = state.withLock { $0.live.remove(push) } }

    /// Whether somebody in this process still sees to the change.
    func isLive(_ push: PushID) -> Bool { state.withLock { $0.live.contains(push) } }
}
