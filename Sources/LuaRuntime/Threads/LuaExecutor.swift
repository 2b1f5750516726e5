import Synchronization

/// Runs the jobs of one Lua state on the threads of a pool: one job per turn, then other states have theirs.
// @unchecked Sendable because `account` is only touched by the pool's queue, while it holds its lock, and
// `replaced` only on the thread that runs this; all else locks for itself.
final class LuaExecutor: SerialExecutor, @unchecked Sendable {
    /// What the pool's queue knows of this state.
    struct Account {
        /// Nanoseconds of CPU time by which the queue chooses; see ``TurnQueue``.
        var used: Int64 = 0
        /// What it used lately.
        var load = CPULoad()
        /// The line it was put in last.
        var place = TurnQueue.Place.foreground
    }

    private enum Entry {
        case job(UnownedJob)
        /// A run that gave up its thread at the end of its slice.
        case turn(UnsafeContinuation<Void, Never>)
    }

    private struct Line {
        var entries = FirstInFirstOut<Entry>()
        /// Whether the pool's queue holds this executor, or a thread runs it.
        var isQueued = false
    }

    var account = Account()
    /// That of this turn's thread, once it was replaced, since a run cannot give way.
    private var replaced: Lookout?
    private let line = Mutex(Line())
    private let waited = Atomic<Int64>(0)
    private let urgent = Atomic<Int>(0)
    private let pool: LuaThreadPool

    init(pool: LuaThreadPool) {
        self.pool = pool
    }

    /// Whether the state is not to be put behind others, however much it uses.
    var isUrgent: Bool { urgent.load(ordering: .relaxed) > 0 }

    func beginUrgentWork() {
        if urgent.add(1, ordering: .relaxed).newValue == 1 { pool.promote(self) }
    }

    func endUrgentWork() {
        urgent.subtract(1, ordering: .relaxed)
    }

    /// Jobs that wait for a turn.
    var depth: Int { line.withLock { $0.entries.count } }

    /// Nanoseconds that work has waited for a thread, so far.
    var waitNanoseconds: Int64 { waited.load(ordering: .relaxed) }

    func enqueue(_ job: consuming ExecutorJob) {
        append(.job(UnownedJob(job)))
    }

    /// Resumes the continuation when all jobs before it have had their turns.
    func goOn(_ continuation: UnsafeContinuation<Void, Never>) {
        append(.turn(continuation))
    }

    /// Runs the first job. Gives whether there is more to do, and whether the thread has been replaced
    /// meanwhile.
    func runOne() -> (hasMore: Bool, wasHeld: Bool) {
        let entry = line.withLock { $0.entries.popFirst() }
        switch entry {
        case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
        case .turn(let continuation): continuation.resume()
        case nil: break
        }
        let wasHeld = replaced != nil
        replaced = nil
        let hasMore = line.withLock { line in
            line.isQueued = !line.entries.isEmpty
            return line.isQueued
        }
        return (hasMore, wasHeld)
    }

    /// Told on the thread that runs this when a run's slice is over and the run cannot give way.
    func threadIsHeld() {
        if let replaced {
            if !isUrgent { pool.makeWay(replaced) }
        } else if pool.replaceThread() {
            replaced = Lookout()
        }
    }

    /// Told by the pool's queue when a thread takes this up.
    func didWait(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        waited.wrappingAdd(seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000, ordering: .relaxed)
    }

    private func append(_ entry: sending Entry) {
        let isNews = line.withLock { line in
            line.entries.append(entry)
            let isNews = !line.isQueued
            line.isQueued = true
            return isNews
        }
        if isNews { pool.submit(self) }
    }
}
