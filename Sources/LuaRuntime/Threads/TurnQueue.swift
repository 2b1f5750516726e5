import Glibc

/// The states of a pool that have work, in the order in which they get their turns.
// @unchecked Sendable because `waiting` and `isStopping` are only touched while `mutex` is held.
final class TurnQueue: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let arrival = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting = FirstInFirstOut<LuaExecutor>()
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

    /// Puts a state at the end. False once the queue is stopped: its threads may be gone.
    func append(_ executor: LuaExecutor) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if isStopping { return false }
        waiting.append(executor)
        pthread_cond_signal(arrival)
        return true
    }

    /// Waits for the next state; nil once the queue is stopped and empty.
    func next() -> LuaExecutor? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let executor = waiting.popFirst() { return executor }
            if isStopping { return nil }
            pthread_cond_wait(arrival, mutex)
        }
    }

    /// Lets every thread end once the queue is empty.
    func stop() {
        pthread_mutex_lock(mutex)
        isStopping = true
        pthread_cond_broadcast(arrival)
        pthread_mutex_unlock(mutex)
    }
}
