import Dispatch
import SharedDatabase

/// A transaction that has done something and stays open, with all that it has locked.
final class OpenTransaction: Sendable {
    private let proceed: DispatchSemaphore
    private let task: Task<Void, any Error>

    /// Returns when the query has run.
    init(_ query: String, on database: SharedDatabase) async throws {
        let proceed = DispatchSemaphore(value: 0)
        let (ran, told) = AsyncStream<Void>.makeStream()
        self.proceed = proceed
        task = Task {
            defer { told.finish() }
            try await database.write { transaction in
                _ = try transaction.rows(query)
                told.yield()
                proceed.wait()
            }
        }
        for await _ in ran { return }
        try await task.value
    }

    deinit { proceed.signal() }

    /// Commits it.
    func end() async throws {
        proceed.signal()
        try await task.value
    }
}
