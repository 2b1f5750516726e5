import Foundation

/// Waits until `condition` gives a value, looking every 10 ms.
/// - Parameter waitedFor: The fact, named in the error.
/// - Parameter deadline: How long to look; tests run on busy machines, so the default is generous.
/// - Parameter detail: Added to the error, such as the process' output so far.
/// - Throws: ``TestKitError/deadline(waitedFor:detail:)`` when the time is up; what `condition` throws.
package func waitFor<Value: Sendable>(
    _ waitedFor: String, deadline: Duration = .seconds(120), detail: @Sendable () -> String = { "" },
    _ condition: @Sendable () async throws -> Value?
) async throws -> Value {
    let end = ContinuousClock.now + deadline
    while true {
        if let value = try await condition() { return value }
        guard ContinuousClock.now < end else {
            throw TestKitError.deadline(waitedFor: waitedFor, detail: detail())
        }
        try await Task.sleep(for: .milliseconds(10))
    }
}

/// Waits until `condition` is true, looking every 10 ms.
/// - Throws: As ``waitFor(_:deadline:detail:_:)-(_,_,_,()->Value?)``.
package func waitUntil(
    _ waitedFor: String, deadline: Duration = .seconds(120), detail: @Sendable () -> String = { "" },
    _ condition: @Sendable () async throws -> Bool
) async throws {
    _ = try await waitFor(waitedFor, deadline: deadline, detail: detail) { () -> Bool? in
        try await condition() ? true : nil
    }
}

/// Lets time pass, or the task be cancelled: for how long faults last, never for something to come true.
package func letTimePass(_ duration: Duration) async { try? await Task.sleep(for: duration) }

/// Runs blocking work on a thread of its own, so that it takes none of the concurrency pool's few threads.
package func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Result { try work() }) }
        thread.stackSize = 512 * 1024
        thread.start()
    }
}
