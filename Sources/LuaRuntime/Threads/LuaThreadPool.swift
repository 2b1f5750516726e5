import CLuaHost
import Glibc
import Synchronization

/// Threads that run Lua states in turn, with one watchdog that ends their slices.
///
/// Each has a stack of 2 MiB. A state is run by one thread at a time, one job per turn, and a run whose slice
/// is over waits for its next turn. Turns go to the state that has used the least CPU time. A run that cannot
/// give way, such as one inside a comparator of `table.sort`, keeps its thread until its budget ends; so a
/// pool that runs states of different owners needs two threads at least.
package final class LuaThreadPool: Sendable {
    private let queue = TurnQueue()
    private let name: String
    private let watchdog: Watchdog
    private let threads: Mutex<[pthread_t]>

    /// Starts the threads.
    /// - Parameters:
    ///   - threads: At least 1.
    ///   - name: Shown by the system's tools; 12 bytes of it.
    package init(threads: Int, name: String) {
        self.name = String(name.prefix(12))
        watchdog = Watchdog()
        self.threads = Mutex([])
        let started = (0..<max(1, threads)).compactMap { LuaThread.start(self.thread(number: $0)) }
        precondition(!started.isEmpty, "the system gives no thread for Lua")
        self.threads.withLock { $0 = started }
    }

    /// Ends the threads once no state has work left; waits for that. States of this pool should be closed
    /// before; what reaches one afterwards runs on a thread of its own.
    package func stop() {
        queue.stop()
        let running = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in running { pthread_join(thread, nil) }
        if !running.isEmpty { watchdog.stop() }
    }

    func submit(_ executor: LuaExecutor) {
        if queue.append(executor) { return }
        let late = LuaThread(name: name, watchdog: nil) {
            while executor.runOne() {}
        }
        if let thread = LuaThread.start(late) { pthread_detach(thread) }
    }

    private func thread(number: Int) -> LuaThread {
        LuaThread(name: "\(name)-\(number)", watchdog: watchdog) { [queue] in
            var job = clh_job()
            var next = queue.next()
            while let executor = next {
                clh_job_begin(&job)
                let hasMore = executor.runOne()
                next = queue.next(after: executor, used: clh_job_end(&job), hasMore: hasMore)
            }
        }
    }
}
