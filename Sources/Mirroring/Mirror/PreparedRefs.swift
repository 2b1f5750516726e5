internal import GitStore
internal import Portable
internal import Synchronization

/// What this node has got for changes that the farm's nodes are to show together, and does not show yet: just
/// that is shown then, as what has come later may need what others have not got.
final class PreparedRefs: Sendable {
    /// Where refs are to go.
    struct Targets: Sendable {
        /// Zero for those that go away.
        var refs: [RefName: ObjectID]
        /// Whether all others go away, too.
        var isAll: Bool
        /// From which the objects were counted.
        var haves: [ObjectID]
    }

    private struct Prepared {
        let generation: Int64
        let since: ContinuousClock.Instant
        var targets: Targets?
    }

    /// After that nobody waits for it any more.
    private static let ageMax = Duration.seconds(30)
    /// More refs than this are not kept, but listed again.
    private static let refsMax = 200_000
    private let state = Mutex<[RepositoryID: Prepared]>([:])

    /// The nodes are to prepare a change.
    func begin(_ work: MirrorWork) {
        let now = ContinuousClock.now
        state.withLock { state in
            state = state.filter { now - $0.value.since < Self.ageMax }
            state[work.repository] = Prepared(generation: work.generation, since: now)
        }
    }

    /// All of this is there.
    func keep(_ targets: Targets, for work: MirrorWork) {
        state.withLock { state in
            let count = state.values.reduce(targets.refs.count) { $0 + ($1.targets?.refs.count ?? 0) }
            guard count <= Self.refsMax, state[work.repository]?.generation == work.generation else { return }
            state[work.repository]?.targets = targets
        }
    }

    /// What was prepared; nil when that is not known, or long ago.
    func targets(for work: MirrorWork) -> Targets? {
        state.withLock { state in
            guard let prepared = state[work.repository], prepared.generation == work.generation,
                .now - prepared.since < Self.ageMax
            else { return nil }
            return prepared.targets
        }
    }

    /// Whether the farm is about to show a change of a repository.
    func isUnderWay(_ repository: RepositoryID) -> Bool {
        state.withLock { state in
            state[repository].map { .now - $0.since < Self.ageMax } ?? false
        }
    }

    /// The change is shown.
    func end(_ work: MirrorWork) {
        state.withLock { state in
            guard let prepared = state[work.repository], prepared.generation <= work.generation else {
                return
            }
            state[work.repository] = nil
        }
    }

    /// The others go on without this node.
    func forgetAll() { state.withLock { $0 = [:] } }
}
