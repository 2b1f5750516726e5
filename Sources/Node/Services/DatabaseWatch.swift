import Logging
import SharedDatabase
import Synchronization

/// Asks the database again and again whether it still takes changes, and turns the node's state to ERROR
/// while it does not.
final class DatabaseWatch: Sendable {
    private let ask: @Sendable () async throws -> Void
    private let interval: Duration
    private let status: NodeStatus
    private let logger: Logger
    private let problem = Problem()
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// - Parameter interval: The pause between questions, and how long an answer may take.
    /// - Parameter ask: Throws when the database refuses; may hang.
    init(
        interval: Duration, status: NodeStatus, logger: Logger,
        ask: @escaping @Sendable () async throws -> Void
    ) {
        self.interval = interval
        self.status = status
        self.logger = logger
        self.ask = ask
    }

    /// A watch of this database, by transactions that change nothing.
    convenience init(_ database: SharedDatabase, interval: Duration, status: NodeStatus, logger: Logger) {
        self.init(interval: interval, status: status, logger: logger) {
            try await database.write { _ = try $0.firstRow("SELECT name FROM schema_migration") }
        }
    }

    /// Begins; ends with ``stop()``.
    func start() {
        task.withLock { task in
            if task == nil { task = Task { await self.run() } }
        }
    }

    /// Ends at once, also when a question is still without an answer.
    func stop() {
        task.withLock { $0 }?.cancel()
    }

    private func run() async {
        while !Task.isCancelled {
            let answer = StartSignal()
            // No child of this task: a database that hangs cannot be called off, and is left behind.
            Task { [ask, problem] in
                do {
                    try await ask()
                    answer.settle(true)
                } catch {
                    problem.last = "\(error)"
                    answer.settle(false)
                }
            }
            if await isLate(answer) { report("no answer within \(interval)") }
            let isFine = await answer.wait()
            if Task.isCancelled { return }
            report(isFine ? nil : problem.last)
            try? await Task.sleep(for: interval)
        }
    }

    private func isLate(_ answer: StartSignal) async -> Bool {
        await withTaskGroup(of: Bool.self) { [interval] group in
            group.addTask {
                _ = await answer.wait()
                return false
            }
            group.addTask { (try? await Task.sleep(for: interval)) != nil }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    private func report(_ problem: String?) {
        guard status.set(.databaseAway, problem != nil) else { return }
        if let problem {
            logger.error("the database does not answer", metadata: ["error": "\(problem)"])
        } else {
            logger.notice("the database answers again")
        }
    }
}

/// The words of the last refusal.
private final class Problem: Sendable {
    private let text = Mutex("")
    var last: String {
        get { text.withLock { $0 } }
        set { text.withLock { $0 = newValue } }
    }
}
