internal import Portable
internal import Synchronization

/// The changes of refs that are going on: pushes by the hash of their secret, and the ids of all.
final class PushRegistry: Sendable {
    /// A change whose refs may be moving.
    private struct Commit {
        let number: Int
        let repository: RepositoryID
        let changes: [RefChange]
        var followers: [AsyncStream<Void>.Continuation] = []
    }

    private struct State {
        var sessions: [String: PushSession] = [:]
        var live: Set<PushID> = []
        var commits: [PushID: Commit] = [:]
        var lastNumber = 0
    }

    /// How long a change waits for the one before it on the same ref.
    private static let orderLimit = Duration.seconds(10)
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
        state.withLock { $0.sessions[key] = nil }
        end(session.id)
    }

    /// Marks a change that is no git client's as live, until ``end(_:)``.
    func begin(_ push: PushID) { _ = state.withLock { $0.live.insert(push) } }

    /// Says that from now on the change's refs may move.
    func commit(_ push: PushID, in repository: RepositoryID, _ changes: [RefChange]) {
        state.withLock { state in
            state.lastNumber += 1
            state.commits[push] = Commit(number: state.lastNumber, repository: repository, changes: changes)
        }
    }

    /// Waits until the live changes are over that left a ref where this one found it, so that they are
    /// confirmed in the order in which the ref moved.
    ///
    /// Pushes that follow so closely are rare: whoever pushes has seen the former push's ref before its
    /// report.
    func waitForEarlier(than push: PushID) async {
        let waits = state.withLock { state -> [AsyncStream<Void>] in
            guard state.commits.count > 1, let own = state.commits[push] else { return [] }
            let found = Set(own.changes.map { RefPosition(ref: $0.ref, id: $0.from) })
            let earlier = state.commits.filter { _, other in
                other.repository == own.repository && other.number < own.number
                    && other.changes.contains { found.contains(RefPosition(ref: $0.ref, id: $0.to)) }
            }
            return earlier.keys.map { id in
                let (stream, continuation) = AsyncStream<Void>.makeStream()
                state.commits[id]?.followers.append(continuation)
                return stream
            }
        }
        guard !waits.isEmpty else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for wait in waits { for await _ in wait {} } }
            group.addTask { try? await Task.sleep(for: Self.orderLimit) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Marks a change as no longer live.
    func end(_ push: PushID) {
        let followers = state.withLock { state in
            state.live.remove(push)
            return state.commits.removeValue(forKey: push)?.followers ?? []
        }
        for follower in followers { follower.finish() }
    }

    /// Whether somebody in this process still sees to the change.
    func isLive(_ push: PushID) -> Bool { state.withLock { $0.live.contains(push) } }
}

/// Where a ref was, or is.
struct RefPosition: Hashable {
    let ref: RefName
    let id: ObjectID
}
