internal import GitStore
internal import Logging
internal import Metrics
internal import Portable
internal import SharedDatabase
internal import Synchronization

/// Keeps repositories fast to read however many pushes come: packs are put together, and what killed pushes
/// left is removed.
///
/// In the background. Nothing is lost when it is cut short anywhere.
final class Housekeeping: Sendable {
    /// Looks through all repositories for what killed pushes left.
    typealias Sweep = @Sendable () async throws -> Void

    /// After how many pushes to a repository its packs are counted.
    static let pushesPerLook = 16
    /// From how many packs on some are put together.
    static let packsMax = 32
    private static let sweepPause = Duration.seconds(1800)
    private let logger: Logger
    private let looks: RepositoryWork
    /// How many pushes each repository had since its packs were counted.
    private let pushes = Mutex<[RepositoryID: Int]>([:])
    private let sweeper = Mutex<Task<Void, Never>?>(nil)

    init(logger: Logger) {
        self.logger = logger
        looks = RepositoryWork(complaint: "housekeeping failed", isRepeated: false, logger: logger)
    }

    /// Begins; the tasks end with ``stop()``.
    /// - Parameter look: Does what is due in one repository; what fails is tried again after more pushes.
    func start(sweep: @escaping Sweep, look: @escaping RepositoryWork.Work) {
        looks.start(look)
        sweeper.withLock { $0 = Task { await self.run(sweep) } }
    }

    /// Says that a push to the repository has ended.
    func notePush(to repository: RepositoryID) {
        let isDue = pushes.withLock { pushes in
            let count = (pushes[repository] ?? 0) + 1
            pushes[repository] = count < Self.pushesPerLook ? count : nil
            return count >= Self.pushesPerLook
        }
        if isDue { looks.add(repository) }
    }

    /// Ends it; a git program that runs is stopped.
    func stop() async {
        let sweeper = sweeper.withLock { $0 }
        sweeper?.cancel()
        await looks.stop()
        await sweeper?.value
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
