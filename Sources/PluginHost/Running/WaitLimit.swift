/// Gives up on work that takes too long.
enum WaitLimit {
    /// Runs `body`, and cancels it when it has not ended within `limit`.
    /// - Throws: What `body` throws, or `error` when the time was up.
    static func run<Value: Sendable>(
        _ limit: Duration, orThrow error: any Error, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let value = first else { throw error }
            return value
        }
    }
}
