internal import Synchronization

/// Lets a limited number of tasks in at a time, in the order in which they came.
final class TurnQueue: Sendable {
    /// Why a task did not get its turn.
    enum Refusal: Error {
        /// As many wait already as may.
        case full
        /// It waited as long as it may.
        case timedOut
    }

    private struct State {
        var running = 0
        var nextID: UInt64 = 0
        var order: [UInt64] = []
        var waiting: [UInt64: CheckedContinuation<Void, any Error>] = [:]

        /// Takes the longest-waiting continuation out, skipping those that gave up.
        mutating func popFirst() -> CheckedContinuation<Void, any Error>? {
            var passed = 0
            defer { order.removeFirst(passed) }
            for id in order {
                passed += 1
                if let continuation = waiting.removeValue(forKey: id) { return continuation }
            }
            return nil
        }

        mutating func remove(_ id: UInt64) -> CheckedContinuation<Void, any Error>? {
            let continuation = waiting.removeValue(forKey: id)
            if order.count > 2 * waiting.count + 64 { order.removeAll { waiting[$0] == nil } }
            return continuation
        }
    }

    private let limit: Int
    private let queueMax: Int
    private let state = Mutex(State())

    /// - Parameter limit: How many are in at a time; at least 1.
    /// - Parameter queueMax: How many more may wait.
    init(limit: Int, queueMax: Int) {
        self.limit = max(limit, 1)
        self.queueMax = max(queueMax, 0)
    }

    /// How many are in and how many wait.
    var usage: (running: Int, waiting: Int) { state.withLock { ($0.running, $0.waiting.count) } }

    /// Returns when it is the caller's turn; each return is to be answered by one ``leave()``.
    /// - Throws: ``Refusal``; `CancellationError` when the task is cancelled while it waits.
    func enter(timeout: Duration) async throws {
        let id: UInt64? = try state.withLock { state in
            if state.running < limit, state.waiting.isEmpty {
                state.running += 1
                return nil
            }
            guard state.waiting.count < queueMax else { throw Refusal.full }
            state.nextID += 1
            return state.nextID
        }
        guard let id else { return }
        // Cancelled, and so over, when this scope is left.
        async let _: Void = expire(id, after: timeout)
        try await wait(id)
    }

    /// Lets the next one in.
    func leave() {
        let next = state.withLock { state in
            let next = state.popFirst()
            if next == nil { state.running -= 1 }
            return next
        }
        next?.resume()
    }

    private func wait(_ id: UInt64) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    // Read under the lock: the handler below either finds the continuation or ran before
                    // this.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.running < limit, state.waiting.isEmpty {
                        state.running += 1
                        return .success(())
                    }
                    guard state.waiting.count < queueMax else { return .failure(Refusal.full) }
                    state.order.append(id)
                    state.waiting[id] = continuation
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            state.withLock { $0.remove(id) }?.resume(throwing: CancellationError())
        }
    }

    private func expire(_ id: UInt64, after timeout: Duration) async {
        guard (try? await Task.sleep(for: timeout)) != nil else { return }
        state.withLock { $0.remove(id) }?.resume(throwing: Refusal.timedOut)
    }
}
