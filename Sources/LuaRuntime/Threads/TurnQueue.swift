import Glibc

/// The states of a pool that have work. Next is the one whose turns have used the least CPU time; among
/// equals, the one that came first.
///
/// What a state used while nobody else had work is not held against it, and a rest earns nothing: a state
/// that comes with new work is put beside the one that had its turn last.
// @unchecked Sendable because everything but the mutex and the condition, and each executor's account, is
// only touched while `mutex` is held.
final class TurnQueue: @unchecked Sendable {
    private struct Waiting {
        let executor: LuaExecutor
        let used: Int64
        let number: UInt64
        let since: ContinuousClock.Instant

        func isBefore(_ other: Waiting) -> Bool {
            used == other.used ? number < other.number : used < other.used
        }
    }

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let arrival = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting: [Waiting] = []
    private var lastNumber: UInt64 = 0
    /// The account of the state that had its turn last; never goes back.
    private var floor: Int64 = 0
    private var isStopping = false

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(arrival, nil)
    }

    deinit {
        pthread_cond_destroy(arrival)
        pthread_mutex_destroy(mutex)
        arrival.deallocate()
        mutex.deallocate()
    }

    /// Adds a state that has new work. False once the queue is stopped: its threads may be gone.
    func append(_ executor: LuaExecutor) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if isStopping { return false }
        executor.account.used = max(executor.account.used, floor)
        insert(executor)
        pthread_cond_signal(arrival)
        return true
    }

    /// Waits for the next state; nil once the queue is stopped and empty.
    func next() -> LuaExecutor? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return waitForNext()
    }

    /// Charges a state for its turn, adds it again if it has more work, and waits for the next.
    func next(after executor: LuaExecutor, used: Int64, hasMore: Bool) -> LuaExecutor? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        executor.account.used += max(used, 1)
        if hasMore { insert(executor) }
        return waitForNext()
    }

    /// Lets every thread end once the queue is empty.
    func stop() {
        pthread_mutex_lock(mutex)
        isStopping = true
        pthread_cond_broadcast(arrival)
        pthread_mutex_unlock(mutex)
    }

    private func insert(_ executor: LuaExecutor) {
        lastNumber += 1
        waiting.append(
            Waiting(executor: executor, used: executor.account.used, number: lastNumber, since: .now))
    }

    private func waitForNext() -> LuaExecutor? {
        while true {
            if let index = waiting.indices.min(by: { waiting[$0].isBefore(waiting[$1]) }) {
                waiting.swapAt(index, waiting.count - 1)
                let first = waiting.removeLast()
                floor = max(floor, first.used)
                first.executor.didWait(first.since.duration(to: .now))
                return first.executor
            }
            if isStopping { return nil }
            pthread_cond_wait(arrival, mutex)
        }
    }
}
