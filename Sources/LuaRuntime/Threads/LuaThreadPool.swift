import CLuaHost
import Glibc
import Synchronization

/// Threads that run Lua states in turn, with one watchdog that ends their slices.
///
/// Each has a stack of 2 MiB. A state is run by one thread at a time, one job per turn, and a run whose slice
/// is over waits for its next turn. Turns go to the state that has used the least CPU time. States that use
/// much of it have their turns on threads in the background, which take what other threads and processes of
/// the machine leave: their priority is low, and they rest while they have to wait for a processor
/// (``Courtesy``). A thread whose run cannot give way at the end of its slice, since it is inside a
/// metamethod that a library function runs, steps into the background and is replaced; it ends with that
/// turn.
package final class LuaThreadPool: Sendable {
    private struct Threads {
        /// Those that take turns, and their line.
        var taking: [pthread_t: TurnQueue.Place] = [:]
        /// Those that were replaced, and whether they have ended.
        var replaced: [pthread_t: Bool] = [:]
        var started = 0
    }

    /// As many threads may be held at a time, beside the pool's own.
    private static let replacedMax = 16

    private let queue: TurnQueue
    private let name: String
    private let watchdog: Watchdog
    private let threads = Mutex(Threads())

    /// Starts the threads.
    /// - Parameters:
    ///   - threads: At least 1.
    ///   - background: Threads for the states that use much CPU time; 0 if these are to be like the others.
    ///   - name: Shown by the system's tools; 12 bytes of it.
    package init(threads: Int, background: Int = 0, name: String) {
        self.name = String(name.prefix(12))
        queue = TurnQueue(hasBackground: background > 0)
        watchdog = Watchdog()
        let started = (0..<max(1, threads)).filter { _ in start(.foreground) }
        precondition(!started.isEmpty, "the system gives no thread for Lua")
        let behind = (0..<max(0, background)).filter { _ in start(.background) }
        precondition(background <= 0 || !behind.isEmpty, "the system gives no thread for Lua")
    }

    /// Ends the threads once no state has work left; waits for that. States of this pool should be closed
    /// before; what reaches one afterwards runs on a thread of its own.
    package func stop() {
        queue.stop()
        let running = threads.withLock { threads in
            defer { threads.taking = [:] }
            return Array(threads.taking.keys) + threads.replaced.keys
        }
        for thread in running { pthread_join(thread, nil) }
        if !running.isEmpty { watchdog.stop() }
    }

    func submit(_ executor: LuaExecutor) {
        if queue.append(executor) { return }
        let late = LuaThread(name: name, watchdog: nil, body: { while executor.runOne().hasMore {} })
        if let thread = LuaThread.start(late) { pthread_detach(thread) }
    }

    func promote(_ executor: LuaExecutor) {
        queue.promote(executor)
    }

    /// Puts another thread in the place of the calling one, which takes no further turn. False when that
    /// cannot be.
    func replaceThread() -> Bool {
        let this = pthread_self()
        let (place, ended) = threads.withLock { threads -> (TurnQueue.Place?, [pthread_t]) in
            let ended = threads.replaced.filter(\.value).map(\.key)
            for thread in ended { threads.replaced[thread] = nil }
            guard threads.replaced.count < Self.replacedMax, let place = threads.taking[this] else {
                return (nil, ended)
            }
            threads.taking[this] = nil
            threads.replaced[this] = false
            return (place, ended)
        }
        for thread in ended { pthread_join(thread, nil) }
        guard let place else { return false }
        if !start(place) {
            threads.withLock { threads in
                threads.replaced[this] = nil
                threads.taking[this] = place
            }
            return false
        }
        LuaThread.stepBack()
        return true
    }

    /// Rests, if others want the processors; for a thread that was replaced.
    func makeWay(_ lookout: Lookout) {
        queue.makeWay(lookout)
    }

    /// Starts a thread that takes turns from a line. False when the system gives none.
    private func start(_ place: TurnQueue.Place) -> Bool {
        // Locked until the thread is known, lest it be replaced before.
        threads.withLock { threads in
            threads.started += 1
            guard let thread = LuaThread.start(self.thread(number: threads.started, place)) else {
                return false
            }
            threads.taking[thread] = place
            return true
        }
    }

    private func thread(number: Int, _ place: TurnQueue.Place) -> LuaThread {
        LuaThread(
            name: "\(name)-\(number % 100)", watchdog: watchdog, isBackground: place == .background,
            body: { [queue] in Self.takeTurns(from: queue, place) },
            ended: { [weak self] in
                self?.threads.withLock { threads in
                    if threads.replaced[pthread_self()] != nil { threads.replaced[pthread_self()] = true }
                }
            })
    }

    private static func takeTurns(from queue: TurnQueue, _ place: TurnQueue.Place) {
        var job = clh_job()
        let lookout = place == .background ? Lookout() : nil
        var next = queue.next(place, lookout)
        while let executor = next {
            clh_job_begin(&job)
            let turn = executor.runOne()
            let used = clh_job_end(&job)
            if turn.wasHeld {
                queue.finish(executor, used: used, hasMore: turn.hasMore)
                return
            }
            next = queue.next(after: executor, used: used, hasMore: turn.hasMore, place, lookout)
        }
    }
}
