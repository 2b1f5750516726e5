internal import Logging
internal import Portable
internal import Synchronization

/// Work that repositories need in the background: one repository at a time, each once however often it is
/// added meanwhile.
final class RepositoryWork: Sendable {
    /// Does what is due in a repository; throws when it did not go well.
    typealias Work = @Sendable (_ repository: RepositoryID) async throws -> Void

    private struct State {
        var due: Set<RepositoryID> = []
        var work: Work?
        var isStopped = false
        var task: Task<Void, Never>?
    }

    private static let pauseMin = Duration.milliseconds(100)
    private static let pauseMax = Duration.seconds(5)
    private let complaint: Logger.Message
    private let isRepeated: Bool
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter complaint: What is logged when it did not go well.
    /// - Parameter isRepeated: Whether it is done again and again then, with a growing pause.
    init(complaint: Logger.Message, isRepeated: Bool, logger: Logger) {
        self.complaint = complaint
        self.isRepeated = isRepeated
        self.logger = logger
    }

    /// Begins; the task ends with ``stop()``.
    func start(_ work: @escaping Work) {
        state.withLock { state in
            state.work = work
            proceed(&state)
        }
    }

    /// Says that a repository has something to do.
    func add(_ repository: RepositoryID) {
        state.withLock { state in
            state.due.insert(repository)
            proceed(&state)
        }
    }

    /// Ends it, and what runs is cancelled.
    func stop() async {
        let task = state.withLock { state in
            state.isStopped = true
            return state.task
        }
        task?.cancel()
        await task?.value
    }

    private func proceed(_ state: inout State) {
        guard let work = state.work, !state.isStopped, state.task == nil, !state.due.isEmpty else { return }
        state.task = Task { await self.run(work) }
    }

    private func run(_ work: Work) async {
        var pause = Self.pauseMin
        while let due = takeDue() {
            var failed: Set<RepositoryID> = []
            for repository in due where !Task.isCancelled {
                do {
                    try await work(repository)
                } catch is CancellationError {
                    continue
                } catch {
                    failed.insert(repository)
                    logger.warning(
                        complaint, metadata: ["repository.id": "\(repository)", "error": "\(error)"])
                }
            }
            guard isRepeated, !failed.isEmpty else {
                pause = Self.pauseMin
                continue
            }
            state.withLock { [failed] in $0.due.formUnion(failed) }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, Self.pauseMax)
        }
    }

    private func takeDue() -> [RepositoryID]? {
        state.withLock { state in
            guard !state.due.isEmpty, !state.isStopped else {
                state.task = nil
                return nil
            }
            defer { state.due = [] }
            return state.due.sorted { $0.rawValue < $1.rawValue }
        }
    }
}
