package import Portable
internal import Synchronization

/// What a mirror's node has still to get, since when, and what it is getting.
package final class SyncBacklog: Sendable {
    /// A repository that is not yet as it is on the upstream.
    package struct Item: Sendable {
        /// Which.
        package let repository: RepositoryID
        /// Whether nobody knows which refs differ.
        package var isSnapshot: Bool
        /// How often it was tried in vain.
        package var attempt: Int64 = 0
        /// When it was heard of, in milliseconds since 1970.
        package let createdMilliseconds: Int64
        /// Likewise, by the clock that nobody sets.
        package let since: ContinuousClock.Instant
        fileprivate var mark: UInt64
    }

    /// A fetch that runs.
    package struct Run: Sendable {
        /// Of which repository.
        package let repository: RepositoryID
        /// The change's number; 0 after a comparison.
        package let generation: Int64
        /// Since when, in milliseconds since 1970.
        package let beganMilliseconds: Int64
        /// Likewise, by the clock that nobody sets.
        package let began: ContinuousClock.Instant
        fileprivate let mark: UInt64
    }

    private struct State {
        var waiting: [RepositoryID: Item] = [:]
        var running: [UInt64: Run] = [:]
        var failing: Set<RepositoryID> = []
        var mark: UInt64 = 0
        /// When the upstream was asked about one repository last, since a comparison began.
        var asked: [RepositoryID: UInt64] = [:]
        /// Grows when which repositories are here, or fail, has changed.
        var version: UInt64 = 1
        var toldVersion: UInt64 = 0

        mutating func next() -> UInt64 {
            mark &+= 1
            return mark
        }
    }

    private let state = Mutex(State())

    /// What waits, the oldest first.
    package var waiting: [Item] { state.withLock { Array($0.waiting.values) }.sorted { $0.since < $1.since } }
    /// How much waits, and for how long the oldest has.
    package var depth: (count: Int, oldest: Duration) {
        state.withLock { state in
            let oldest = state.waiting.values.map(\.since).min()
            return (state.waiting.count, oldest.map { .now - $0 } ?? .zero)
        }
    }
    /// The fetches that run, by their repositories.
    package var running: [Run] {
        state.withLock { Array($0.running.values) }.sorted { $0.repository < $1.repository }
    }

    /// There is something to get.
    func note(_ repository: RepositoryID, isSnapshot: Bool) {
        let now = Clock.now
        state.withLock { state in
            let mark = state.next()
            if var item = state.waiting[repository] {
                item.mark = mark
                item.isSnapshot = item.isSnapshot || isSnapshot
                state.waiting[repository] = item
            } else {
                state.waiting[repository] = Item(
                    repository: repository, isSnapshot: isSnapshot, createdMilliseconds: now, since: .now,
                    mark: mark)
            }
        }
    }

    /// A comparison begins; there is one at a time.
    func beginComparison() -> UInt64 {
        state.withLock { state in
            state.asked = [:]
            return state.next()
        }
    }

    /// The upstream is about to be asked about this repository alone.
    func noteAsked(about repository: RepositoryID) {
        state.withLock { $0.asked[repository] = $0.next() }
    }

    /// Whether it was since a comparison began.
    func isAskedAbout(_ repository: RepositoryID, since mark: UInt64) -> Bool {
        state.withLock { ($0.asked[repository] ?? 0) > mark }
    }

    /// A comparison has found what differs; nothing else does that was heard of before it.
    func endComparison(_ mark: UInt64, differing: [RepositoryID]) {
        let wanted = Set(differing)
        state.withLock { state in
            state.waiting = state.waiting.filter { $0.value.mark > mark || wanted.contains($0.key) }
            // Now and then the upstream is told anyway, whatever it has forgotten.
            state.version &+= 1
        }
        for id in differing where state.withLock({ $0.waiting[id] == nil }) { note(id, isSnapshot: true) }
    }

    /// A fetch begins.
    func begin(_ work: MirrorWork) -> Run {
        let now = Clock.now
        return state.withLock { state in
            let run = Run(
                repository: work.repository, generation: work.generation, beganMilliseconds: now,
                began: .now, mark: state.next())
            state.running[run.mark] = run
            return run
        }
    }

    /// A fetch is over.
    /// - Parameter isDone: Whether it went well.
    /// - Parameter isShown: Whether the repository is now as it was on the upstream when the fetch began.
    func end(_ run: Run, isDone: Bool, isShown: Bool) {
        SyncFigures.record(run, isDone: isDone)
        state.withLock { state in
            state.running[run.mark] = nil
            guard isShown, let item = state.waiting[run.repository], item.mark < run.mark else { return }
            state.waiting[run.repository] = nil
        }
    }

    /// A fetch has failed.
    func noteFailed(_ repository: RepositoryID, _ error: any Error) {
        SyncFigures.record(error)
        state.withLock { state in
            state.waiting[repository]?.attempt += 1
            if state.failing.insert(repository).inserted { state.version &+= 1 }
        }
    }

    /// A repository is here.
    /// - Parameter isNew: Whether it was not before.
    func noteHere(_ repository: RepositoryID, isNew: Bool) {
        state.withLock { state in
            let hasRecovered = state.failing.remove(repository) != nil
            if isNew || hasRecovered { state.version &+= 1 }
        }
    }

    /// Repositories are no longer for this mirror.
    func forget(_ ids: [RepositoryID]) {
        state.withLock { state in
            for id in ids {
                state.waiting[id] = nil
                state.failing.remove(id)
            }
            state.version &+= 1
        }
    }

    /// What an earlier run of the node has noted as failing.
    func remember(failing: some Sequence<RepositoryID>) { state.withLock { $0.failing.formUnion(failing) } }

    /// The version that the upstream has to be told of; nil when it knows.
    /// - Parameter isFirst: Whether it may know nothing.
    func versionToTell(isFirst: Bool) -> UInt64? {
        state.withLock { isFirst || $0.version != $0.toldVersion ? $0.version : nil }
    }

    /// The upstream was told.
    func noteTold(_ version: UInt64) { state.withLock { $0.toldVersion = version } }
}
