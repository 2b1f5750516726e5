import Synchronization

/// One load of one value: whoever asks for the same key meanwhile waits for it.
final class CacheFlight: Sendable {
    private struct State {
        var isDone = false
        var bytes: [UInt8]?
        var lastWaiter = 0
        var waiters: [Int: CheckedContinuation<[UInt8]?, Never>] = [:]
    }
    private let state = Mutex(State())
    /// What the region had heard of when the load began.
    let since: Int64
    /// How often all that the region knew had been in doubt when the load began.
    let doubts: Int
    /// When that was, by this node's clock.
    let began: Int64

    init(since: Int64, doubts: Int, began: Int64) {
        self.since = since
        self.doubts = doubts
        self.began = began
    }

    /// Waits for its end.
    /// - Returns: `nil` when nothing was loaded, and when the task is cancelled.
    func wait() async -> [UInt8]? {
        let number = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.isDone || Task.isCancelled { return true }
                    state.waiters[number] = continuation
                    return false
                }
                if isOver { continuation.resume(returning: state.withLock { $0.bytes }) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume(returning: nil)
        }
    }

    /// Ends it; `nil` when nothing was loaded. Ending again does nothing.
    func end(_ bytes: [UInt8]?) {
        let waiters = state.withLock { state in
            guard !state.isDone else { return [CheckedContinuation<[UInt8]?, Never>]() }
            (state.isDone, state.bytes) = (true, bytes)
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume(returning: bytes) }
    }
}
