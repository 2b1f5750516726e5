import Glibc

/// The states of a pool that have work. Next is the one whose turns have used the least CPU time; among
/// equals, the one that came first.
///
/// What a state used while nobody else had work is not held against it, and a rest earns nothing: a state
/// that comes with new work is put beside the one that had its turn last. States that use much CPU time are
/// for the threads in the background, if the pool has some; these rest when others want the processors.
// @unchecked Sendable because everything but the mutex and the conditions, and each executor's account, is
// only touched while `mutex` is held.
final class TurnQueue: @unchecked Sendable {
    /// One line for each kind of thread.
    enum Place: Int, CaseIterable {
        case foreground
        case background
    }

    private struct Waiting {
        let executor: LuaExecutor
        let used: Int64
        let number: UInt64
        let since: ContinuousClock.Instant

        func isBefore(_ other: Waiting) -> Bool {
            used == other.used ? number < other.number : used < other.used
        }
    }

    private struct Line {
        var waiting: [Waiting] = []
        /// The account of the state that had its turn last; never goes back.
        var floor: Int64 = 0
        let arrival = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

        mutating func takeFirst() -> Waiting? {
            let indices = waiting.indices
            guard let index = indices.min(by: { waiting[$0].isBefore(waiting[$1]) }) else { return nil }
            waiting.swapAt(index, waiting.count - 1)
            let first = waiting.removeLast()
            floor = max(floor, first.used)
            return first
        }
    }

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let hasBackground: Bool
    private var lines = Place.allCases.map { _ in Line() }
    private var lastNumber: UInt64 = 0
    private var isStopping = false
    private var courtesy = Courtesy()
    private let restEnd = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    /// - Parameter hasBackground: Whether there are threads for that line.
    init(hasBackground: Bool = false) {
        self.hasBackground = hasBackground
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        for condition in conditions { pthread_cond_init(condition, &attributes) }
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        for condition in conditions {
            pthread_cond_destroy(condition)
            condition.deallocate()
        }
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Adds a state that has new work. False once the queue is stopped: its threads may be gone.
    func append(_ executor: LuaExecutor) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if isStopping { return false }
        insert(executor, isNew: true)
        return true
    }

    /// Waits for the next state; nil once the queue is stopped and empty.
    /// - Parameter lookout: The thread's, in the background.
    func next(_ place: Place = .foreground, _ lookout: Lookout? = nil) -> LuaExecutor? {
        defer { lookout?.begin() }
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return waitForNext(place, lookout)
    }

    /// Charges a state for its turn, adds it again if it has more work, and waits for the next.
    func next(
        after executor: LuaExecutor, used: Int64, hasMore: Bool, _ place: Place = .foreground,
        _ lookout: Lookout? = nil
    ) -> LuaExecutor? {
        let seen = lookout?.end()
        defer { lookout?.begin() }
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        charge(executor, used, hasMore)
        if let seen { note(seen) }
        return waitForNext(place, lookout)
    }

    /// Rests in the middle of a turn, if others want the processors: for a thread that takes no further one.
    func makeWay(_ lookout: Lookout) {
        let seen = lookout.end()
        defer { lookout.begin() }
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if let seen { note(seen) }
        rest(lookout)
        announce(lookout)
    }

    /// The same for a thread that takes no further turn.
    func finish(_ executor: LuaExecutor, used: Int64, hasMore: Bool) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        charge(executor, used, hasMore)
    }

    /// Takes a state that has become urgent out of the background.
    func promote(_ executor: LuaExecutor) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        let behind = Place.background.rawValue
        let found = lines[behind].waiting.firstIndex { $0.executor === executor }
        guard let found else { return }
        lines[behind].waiting.remove(at: found)
        insert(executor, isNew: false)
    }

    /// Lets every thread end once its line is empty.
    func stop() {
        pthread_mutex_lock(mutex)
        isStopping = true
        for condition in conditions { pthread_cond_broadcast(condition) }
        pthread_mutex_unlock(mutex)
    }

    private var conditions: [UnsafeMutablePointer<pthread_cond_t>] { lines.map(\.arrival) + [restEnd] }

    private func charge(_ executor: LuaExecutor, _ used: Int64, _ hasMore: Bool) {
        executor.account.used += max(used, 1)
        if hasBackground { executor.account.load.add(used, now: .now) }
        if hasMore { insert(executor, isNew: false) }
    }

    private func insert(_ executor: LuaExecutor, isNew: Bool) {
        let now = ContinuousClock.now
        let isHeavy = hasBackground && !executor.isUrgent && executor.account.load.isHigh(now: now)
        let place: Place = isHeavy ? .background : .foreground
        if isNew || executor.account.place != place {
            executor.account.used = max(executor.account.used, lines[place.rawValue].floor)
        }
        executor.account.place = place
        lastNumber += 1
        lines[place.rawValue].waiting.append(
            Waiting(executor: executor, used: executor.account.used, number: lastNumber, since: now))
        pthread_cond_signal(lines[place.rawValue].arrival)
    }

    private func waitForNext(_ place: Place, _ lookout: Lookout?) -> LuaExecutor? {
        let index = place.rawValue
        while true {
            if let lookout { rest(lookout) }
            if let first = lines[index].takeFirst() {
                if let lookout { announce(lookout) }
                first.executor.didWait(first.since.duration(to: .now))
                return first.executor
            }
            if isStopping { return nil }
            pthread_cond_wait(lines[index].arrival, mutex)
        }
    }

    /// A thread begins; what it sees it looks at without the lock.
    private func announce(_ lookout: Lookout) {
        if !lookout.isUnderWay { courtesy.begin(now: .now) }
    }

    private func note(_ seen: Courtesy.Visit) {
        courtesy.end(seen, now: .now)
        if courtesy.rest == .zero { pthread_cond_broadcast(restEnd) }
    }

    /// Waits while the background rests, unless the queue is being stopped.
    private func rest(_ lookout: Lookout) {
        while !lookout.isUnderWay, !isStopping, let pause = courtesy.pause(now: .now) {
            var until = timespec()
            clock_gettime(CLOCK_MONOTONIC, &until)
            until.tv_nsec += Int(pause.components.attoseconds / 1_000_000_000)
            until.tv_sec += Int(pause.components.seconds) + until.tv_nsec / 1_000_000_000
            until.tv_nsec %= 1_000_000_000
            pthread_cond_timedwait(restEnd, mutex, &until)
        }
    }
}
