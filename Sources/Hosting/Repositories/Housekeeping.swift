internal import GitStore
internal import Logging
internal import Metrics
internal import Portable
internal import SharedDatabase
internal import Synchronization

/// Keeps repositories fast to read however many pushes come: packs are put together, and what killed pushes
/// left is removed.
///
/// One repository at a time, in the background, after pushes. Nothing is lost when it is cut short anywhere.
final class Housekeeping: Sendable {
    /// Does what is due in one repository.
    typealias Keep = @Sendable (_ repository: RepositoryID) async throws -> Void
    /// Looks through all repositories for what killed pushes left.
    typealias Sweep = @Sendable () async throws -> Void

    private struct State {
        var pushes: [RepositoryID: Int] = [:]
        var due: [RepositoryID] = []
        var keep: Keep?
        var isStopped = false
        var task: Task<Void, Never>?
        var sweeper: Task<Void, Never>?
    }

    /// After how many pushes to a repository its packs are counted.
    static let pushesPerLook = 16
    /// From how many packs on some are put together.
    static let packsMax = 32
    private static let sweepPause = Duration.seconds(1800)
    private let logger: Logger
    private let state = Mutex(State())

    init(logger: Logger) { self.logger = logger }

    /// Begins; the tasks end with ``stop()``.
    func start(sweep: @escaping Sweep, _ keep: @escaping Keep) {
        state.withLock { state in
            state.keep = keep
            state.sweeper = Task { await self.run(sweep) }
            proceed(&state)
        }
    }

    /// Says that a push to the repository has ended.
    func notePush(to repository: RepositoryID) {
        state.withLock { state in
            let count = (state.pushes[repository] ?? 0) + 1
            guard count >= Self.pushesPerLook else { return state.pushes[repository] = count }
            state.pushes[repository] = nil
            guard !state.due.contains(repository) else { return }
            state.due.append(repository)
            proceed(&state)
        }
    }

    /// Says that the repository should be looked at now.
    func add(_ repository: RepositoryID) {
        state.withLock { state in
            guard !state.due.contains(repository) else { return }
            state.due.append(repository)
            proceed(&state)
        }
    }

    /// Ends it; a git program that runs is stopped.
    func stop() async {
        let tasks = state.withLock { state in
            state.isStopped = true
            return [state.task, state.sweeper].compactMap(\.self)
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    private func proceed(_ state: inout State) {
        guard let keep = state.keep, !state.isStopped, state.task == nil, !state.due.isEmpty else { return }
        state.task = Task { await self.run(keep) }
    }

    private func run(_ keep: Keep) async {
        while let repository = takeDue() {
            do {
                try await keep(repository)
            } catch is CancellationError {
                continue
            } catch {
                // Tried again after the next pushes.
                logger.warning(
                    "housekeeping failed",
                    metadata: ["repository.id": "\(repository)", "error": "\(error)"])
            }
        }
    }

    private func run(_ sweep: Sweep) async {
        while !Task.isCancelled {
            do {
                try await sweep()
            } catch is CancellationError {
                return
            } catch {
                logger.warning("leftovers of pushes stay for now", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: Self.sweepPause)
        }
    }

    private func takeDue() -> RepositoryID? {
        state.withLock { state in
            guard !state.due.isEmpty, !state.isStopped else {
                state.task = nil
                return nil
            }
            return state.due.removeFirst()
        }
    }
}

extension Services {
    /// Removes from all repositories what killed pushes left.
    func sweepRepositories() async throws {
        var last: Int64 = 0
        while true {
            let page = try await read { [last] transaction in
                try transaction.rows(
                    "SELECT id FROM repository WHERE id > ? ORDER BY id LIMIT 500", [.integer(last)]
                ).map { try $0.integer("id") }
            }
            guard let end = page.last else { return }
            for id in page {
                // A repository that cannot be read is reported by those who need it.
                try? await git.removeLeftovers(in: layout.repository(RepositoryID(rawValue: id)))
                try Task.checkCancellation()
            }
            last = end
        }
    }

    /// Puts packs together when they are many, and removes what killed pushes left.
    func keepHouse(in repository: RepositoryID) async throws {
        let path = layout.repository(repository)
        try await git.removeLeftovers(in: path)
        guard try await git.packCount(in: path) > Housekeeping.packsMax else { return }
        let clock = ContinuousClock()
        let start = clock.now
        let count = try await git.consolidatePacks(in: path)
        guard count > 0 else { return }
        Counter(label: "perigee.housekeeping.packs").increment(by: Int64(count))
        logger.info(
            "packs put together",
            metadata: [
                "repository.id": "\(repository)", "packs": "\(count)", "duration": "\(clock.now - start)",
            ])
    }
}
