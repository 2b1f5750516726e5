/// What one node knows of one lock: who holds it here, and who waits here.
///
/// The transactions about one lock follow one another on a node; ``nextStep()`` says which is next.
struct LocalLock {
    struct Waiter {
        let id: Int64
        let run: LockRun
        let label: String?
        let isTry: Bool
        let answer: @Sendable (Result<LockHold?, any Error>) -> Void
        /// The row in the database that keeps this waiter's place.
        var row: Int64?
        /// Came before anybody on another node, as far as this node knows: may be passed the lock in memory.
        var isAhead = false
        /// Does not want the lock any more; goes when its row has.
        var isGone = false
        var isWithdrawn = false
    }

    struct Holder {
        let hold: LockHold
        /// What to call once others can take the lock; `nil` while it is held.
        var releases: [@Sendable () -> Void]?
    }

    enum Step {
        /// Take the lock for the first one, or a place in the queue.
        case acquire(Waiter)
        /// Take places for those that have none.
        case enqueue([Waiter])
        /// Give up places.
        case withdraw([Int64])
        /// Grant the lock anew to the first one that waits here.
        case pass(LockHold, to: Waiter)
        /// Give the lock to the first of the queue in the database, after those here have got their places in
        /// it.
        case handOff(LockHold, [Waiter])
        /// Nobody waits.
        case release(LockHold)
        /// Compare with the rows.
        case reconcile([Waiter], held: LockHold?)

        /// The grant that it is about.
        var hold: LockHold? {
            switch self {
            case .pass(let hold, _), .handOff(let hold, _), .release(let hold): hold
            case .reconcile(_, let hold): hold
            case .acquire, .enqueue, .withdraw: nil
            }
        }
    }

    static let waitersMax = 10_000

    var holder: Holder?
    var queue: [Waiter] = []
    var isWorking = false
    /// Somebody on another node waits.
    var isContended = false
    var mustReconcile = false
    /// Grants whose notification came before the row's number was known here: the token by the row.
    var early: [Int64: Int64] = [:]
    /// How many waiters the lock's row tells of.
    var shownWaiters = 0
    /// Whom to answer once the service's state is not locked any more. A task that is being cancelled waits
    /// for that state, while nobody can resume it: who did so under the lock would wait without end.
    private var answers: [@Sendable () -> Void] = []

    var isIdle: Bool { holder == nil && queue.isEmpty && !isWorking && !mustReconcile }

    /// Whether somebody who does not want to wait can be told so without asking.
    var isTaken: Bool { (holder != nil && holder?.releases == nil) || !queue.isEmpty }

    /// Begins the next transaction.
    mutating func nextStep() -> Step? {
        guard !isWorking else { return nil }
        queue.removeAll { $0.isGone && $0.row == nil }
        guard let step = chosenStep() else { return nil }
        isWorking = true
        return step
    }

    private mutating func chosenStep() -> Step? {
        let gone = queue.indices.filter { queue[$0].isGone && !queue[$0].isWithdrawn }
        if !gone.isEmpty {
            for index in gone { queue[index].isWithdrawn = true }
            return .withdraw(gone.compactMap { queue[$0].row })
        }
        if let holder {
            guard holder.releases != nil else { return stepWhileHeld(holder.hold) }
            if let first = queue.first, first.row == nil, first.isAhead || !isContended {
                return .pass(holder.hold, to: first)
            }
            return queue.isEmpty && !isContended
                ? .release(holder.hold) : .handOff(holder.hold, queue.filter { $0.row == nil })
        }
        if mustReconcile { return .reconcile(queue, held: nil) }
        let unplaced = queue.filter { $0.row == nil }
        guard let first = unplaced.first else { return nil }
        return unplaced.count == queue.count ? .acquire(first) : .enqueue(unplaced)
    }

    private func stepWhileHeld(_ hold: LockHold) -> Step? {
        if mustReconcile { return .reconcile(queue, held: hold) }
        // Those who come after somebody on another node need a place behind that one.
        let behind = isContended ? queue.filter { $0.row == nil && !$0.isAhead } : []
        return behind.isEmpty ? nil : .enqueue(behind)
    }

    /// Somebody on another node waits from now on.
    mutating func noteContention() {
        guard holder != nil, !isContended else { return }
        isContended = true
        for index in queue.indices where queue[index].row == nil { queue[index].isAhead = true }
    }

    /// Has somebody answered after this change.
    mutating func tell(_ answers: [@Sendable () -> Void]) { self.answers += answers }

    /// Whom to answer now; to be called at the end of each change.
    mutating func takeAnswers() -> [@Sendable () -> Void] {
        defer { answers = [] }
        return answers
    }

    /// Takes a waiter out of the queue.
    mutating func remove(where isWanted: (Waiter) -> Bool) -> Waiter? {
        queue.firstIndex(where: isWanted).map { queue.remove(at: $0) }
    }

    /// This node's incarnation has ended: places in the queue are gone with it.
    /// - Returns: The grant that has ended with it, and whom to tell that it has.
    mutating func loseAll() -> (hold: LockHold?, releases: [@Sendable () -> Void]) {
        defer {
            holder = nil
            (isContended, mustReconcile, shownWaiters) = (false, false, 0)
            early = [:]
            for index in queue.indices {
                queue[index].row = nil
                queue[index].isAhead = false
            }
            queue.removeAll { $0.isGone }
        }
        return (holder?.hold, holder?.releases ?? [])
    }
}
