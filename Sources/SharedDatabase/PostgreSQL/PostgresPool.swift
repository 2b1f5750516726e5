import Dispatch
import Synchronization

/// A few threads with a connection each, which do transactions in the order in which they are handed in. The
/// thread that was busy last is the first to be busy again.
final class PostgresPool: Sendable {
    typealias Job = @Sendable (PostgresLane) -> Void

    private struct State {
        var waiting: [Job] = []
        /// The first of `waiting` that is still to do.
        var head = 0
        var idle: [Worker] = []
        var workers = 0
        var isClosed = false
    }

    /// A thread that has nothing to do waits here.
    private final class Worker: Sendable {
        let wake = DispatchSemaphore(value: 0)
        let job = Mutex<Job?>(nil)
    }

    private static let waitingMax = 20_000
    private let state = Mutex(State())
    private let ended = DispatchGroup()
    private let size: Int
    private let makeLane: @Sendable () -> PostgresLane

    init(size: Int, makeLane: @escaping @Sendable () -> PostgresLane) {
        self.size = max(1, size)
        self.makeLane = makeLane
    }

    /// Hands a transaction in.
    /// - Returns: Why it is refused, if it is; it is not run then.
    func submit(_ job: @escaping Job) -> DatabaseError? {
        let (error, worker, mustStart) = state.withLock { state -> (DatabaseError?, Worker?, Bool) in
            if state.isClosed { return (.closed, nil, false) }
            if let worker = state.idle.popLast() {
                worker.job.withLock { $0 = job }
                return (nil, worker, false)
            }
            guard state.waiting.count - state.head < PostgresPool.waitingMax else {
                return (.busy, nil, false)
            }
            state.waiting.append(job)
            guard state.workers < size else { return (nil, nil, false) }
            state.workers += 1
            ended.enter()
            return (nil, nil, true)
        }
        worker?.wake.signal()
        if mustStart { startWorker() }
        return error
    }

    /// Lets what was handed in come to its end and then ends all threads; refuses what comes later.
    func close() {
        let idle = state.withLock { state in
            state.isClosed = true
            defer { state.idle = [] }
            return state.idle
        }
        for worker in idle { worker.wake.signal() }
    }

    /// Blocks until all threads have ended.
    func waitForEnd() { ended.wait() }

    private func startWorker() {
        let isStarted = SystemThread.start { [self] in
            work()
            ended.leave()
        }
        guard !isStarted else { return }
        ended.leave()
        // What is left waits for the other threads, where there are any.
        let stranded = state.withLock { state -> [Job] in
            state.workers -= 1
            guard state.workers == 0 else { return [] }
            defer {
                state.waiting = []
                state.head = 0
            }
            return Array(state.waiting[state.head...])
        }
        let lane = makeLane()
        for job in stranded { job(lane) }
    }

    private func work() {
        let lane = makeLane()
        let worker = Worker()
        while true {
            let (job, isOver) = state.withLock { state -> (Job?, Bool) in
                if state.head < state.waiting.count {
                    let job = state.waiting[state.head]
                    state.head += 1
                    if state.head == state.waiting.count || state.head > 1024 {
                        state.waiting.removeFirst(state.head)
                        state.head = 0
                    }
                    return (job, false)
                }
                if !state.isClosed { state.idle.append(worker) }
                return (nil, state.isClosed)
            }
            if isOver { return }
            if let job {
                job(lane)
                continue
            }
            worker.wake.wait()
            let given = worker.job.withLock { given in
                defer { given = nil }
                return given
            }
            given?(lane)
        }
    }
}
