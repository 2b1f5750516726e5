internal import Logging
internal import Portable
internal import Synchronization

/// Repositories with changes of refs that may have happened and that nobody sees to any more: settled
/// again and again until it goes well.
final class Settlements: Sendable {
    /// Confirms or drops what is open in a repository; throws when that has to be tried again.
    typealias Settle = @Sendable (_ repository: RepositoryID) async throws -> Void

    private struct State {
        var due: Set<RepositoryID> = []
        var settle: Settle?
        var isStopped = false
        var task: Task<Void, Never>?
    }

    private static let pauseMin = Duration.milliseconds(100)
    private static let pauseMax = Duration.seconds(5)
    private let logger: Logger
    private let state = Mutex(State())

    init(logger: Logger) { self.logger = logger }

    /// Begins; the task ends with ``stop()``.
    func start(_ settle: @escaping Settle) {
        state.withLock { state in
            state.settle = settle
            proceed(&state)
        }
    }

    /// Says that a repository has something to settle.
    func add(_ repository: RepositoryID) {
        state.withLock { state in
            state.due.insert(repository)
            proceed(&state)
        }
    }

    /// Ends it; what is left is found at the next start.
    func stop() async {
        let task = state.withLock { state in
            state.isStopped = true
            return state.task
        }
        task?.cancel()
        await task?.value
    }

    private func proceed(_ state: inout State) {
        guard let settle = state.settle, !state.isStopped, state.task == nil, !state.due.isEmpty else {
            return
        }
        state.task = Task { await self.run(settle) }
    }

    private func run(_ settle: Settle) async {
        var pause = Self.pauseMin
        while let due = takeDue() {
            var failed: Set<RepositoryID> = []
            for repository in due {
                do {
                    try await settle(repository)
                } catch {
                    failed.insert(repository)
                    logger.warning(
                        "changes of refs wait to be settled",
                        metadata: ["repository.id": "\(repository)", "error": "\(error)"])
                }
            }
            guard !failed.isEmpty else {
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
