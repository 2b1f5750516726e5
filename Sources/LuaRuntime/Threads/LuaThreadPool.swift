import CLuaHost
import Glibc
import Synchronization

/// Threads that run Lua states in turn, with one watchdog that ends their slices.
///
/// Each has a stack of 2 MiB. A state has one job run per turn; a run whose slice is over goes to the end of
/// the line.
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
            while let executor = queue.next() {
                guard executor.runOne() else { continue }
                if !queue.append(executor) {
                    while executor.runOne() {}
                }
            }
        }
    }
}
