import SharedDatabase
import Synchronization

extension ExecutorService {
    func submit(
        _ tasks: [(task: ExecutorRows.StoredTask, delay: Int64?)], to executor: BucketedExecutor
    ) async throws {
        guard !tasks.isEmpty else { return }
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            let isTaken = state.withLock { state in
                guard !state.isStopped else { return false }
                state.submissions.append(
                    Submission(
                        executor: executor.id, name: executor.name, tasksMax: executor.settings.tasksMax,
                        tasks: tasks, done: done))
                return true
            }
            if isTaken {
                submissionBell.ring()
            } else {
                done.resume(throwing: ExecutorError.ended(name: executor.name))
            }
        }
    }

    func submit(
        _ tasks: [(task: ExecutorRows.StoredTask, delay: Int64?)], to executor: BucketedExecutor,
        in transaction: DatabaseTransaction
    ) throws {
        guard !tasks.isEmpty else { return }
        let rows = try ExecutorRows(transaction)
        let used = try rows.usage(executor.id)
        guard used + Int64(tasks.count) <= Int64(executor.settings.tasksMax) else {
            throw ExecutorError.full(name: executor.name, tasks: used, limit: executor.settings.tasksMax)
        }
        try rows.append(tasks.filter { $0.delay == nil }.map(\.task))
        try rows.putOff(tasks.compactMap { item in item.delay.map { (item.task, $0) } })
        try rows.count([executor.id: Int64(tasks.count)], shard: ExecutorShard.any)
        // By the time it commits its tasks may be older than what is looked for, hence the mark.
        try transaction.notify(Self.channel, "!\(executor.id)")
    }

    /// Writes what was submitted, all that is there at once.
    func submissionLoop() async {
        while await submissionBell.wait() {
            while true {
                let (submissions, isPromotionDue) = state.withLock { state in
                    defer { state.isPromotionDue = false }
                    return (takeSubmissions(&state), state.isPromotionDue)
                }
                guard !submissions.isEmpty || isPromotionDue else { break }
                await write(submissions, promotes: isPromotionDue)
            }
        }
        for submission in state.withLock({ $0.submissions }) {
            submission.done.resume(throwing: ExecutorError.ended(name: submission.name))
        }
    }

    private func takeSubmissions(_ state: inout State) -> [Submission] {
        var count = 0
        let end = state.submissions.firstIndex { submission in
            defer { count += submission.tasks.count }
            return count > 0 && count + submission.tasks.count > Self.tasksPerTransaction
        }
        let taken = Array(state.submissions[..<(end ?? state.submissions.count)])
        state.submissions.removeFirst(taken.count)
        return taken
    }

    private struct Written: Sendable {
        /// What was refused, by its place.
        var refusals: [Int: ExecutorError] = [:]
        /// Executors that have more than before.
        var executors: Set<Int64> = []
        /// When delayed tasks are due, in milliseconds from now.
        var dues: [Int64] = []
        var isPromoted = true
        /// What this node has claimed with it.
        var claimed: [ExecutorRows.ClaimedBatch] = []
    }

    /// There is not room for all, and what was locked for them is not needed.
    private struct NoRoom: Error {}

    private func write(_ submissions: [Submission], promotes: Bool) async {
        do {
            let written: Written
            do {
                written = try await write(submissions, promotes: promotes, expectsRoom: !promotes)
            } catch is NoRoom {
                written = try await write(submissions, promotes: promotes, expectsRoom: false)
            }
            state.withLock { $0.wasFull = !written.refusals.isEmpty }
            for (index, submission) in submissions.enumerated() {
                submission.done.resume(with: written.refusals[index].map { .failure($0) } ?? .success(()))
            }
        } catch {
            for submission in submissions { submission.done.resume(throwing: error) }
            if promotes { wake(nil, in: 1000) }
        }
    }

    /// Others may begin with the tasks before the disk has them, so that submitters to one bucket do not wait
    /// for each other's syncs. What a task then writes gets to the disk behind it.
    /// - Throws: ``NoRoom``, if room is expected and there is none.
    private func write(_ inputs: [Submission], promotes: Bool, expectsRoom: Bool) async throws -> Written {
        let owner = (try? membership.incarnation())?.rawValue ?? 0
        let expectsRoom = expectsRoom && !state.withLock(\.wasFull)
        let early = expectsRoom ? inputs.flatMap { $0.tasks.filter { $0.delay == nil }.map(\.task) } : []
        return try await reserving(early, owner: owner) { direct, isOver in
            try await self.database.write(
                visible: { [self] in
                    isOver()
                    tell($0)
                }
            ) { transaction in
                var written = Written()
                var usage: [Int64: Int64] = [:]
                let rows = try ExecutorRows(
                    transaction, usageOf: Set(inputs.map(\.executor)), &usage, tailsFor: early)
                let (admitted, added) = Self.admit(inputs, &usage, &written)
                if expectsRoom, !written.refusals.isEmpty { throw NoRoom() }
                var promoted: Set<Int64> = []
                if promotes {
                    (promoted, written.isPromoted) = try rows.promote(limit: 500)
                    if let due = try rows.nextDue() { written.dues.append(due) }
                }
                let tasks = admitted.filter { $0.delay == nil }.map(\.task)
                let delayed = admitted.compactMap { item in item.delay.map { (task: item.task, delay: $0) } }
                written.executors = Set(tasks.map(\.key.executor)).union(promoted)
                written.dues += delayed.map(\.delay)
                if !expectsRoom { try rows.append(tasks) }
                try rows.putOff(delayed)
                try rows.count(added, shard: ExecutorShard.submissions(owner))
                if expectsRoom { written.claimed = try rows.placeTasks(tasks, claiming: direct) }
                return written
            }
        }
    }

    /// Gives the tasks that there is room for, and how many each executor gets.
    private static func admit(
        _ inputs: [Submission], _ usage: inout [Int64: Int64], _ written: inout Written
    ) -> (tasks: [(task: ExecutorRows.StoredTask, delay: Int64?)], added: [Int64: Int64]) {
        var tasks: [(task: ExecutorRows.StoredTask, delay: Int64?)] = []
        var added: [Int64: Int64] = [:]
        for (index, input) in inputs.enumerated() {
            let used = usage[input.executor] ?? 0
            guard used + Int64(input.tasks.count) <= Int64(input.tasksMax) else {
                written.refusals[index] = .full(name: input.name, tasks: used, limit: input.tasksMax)
                continue
            }
            usage[input.executor] = used + Int64(input.tasks.count)
            added[input.executor, default: 0] += Int64(input.tasks.count)
            tasks += input.tasks
        }
        return (tasks, added)
    }

    private func tell(_ written: Written) {
        if !written.isPromoted {
            state.withLock { $0.isPromotionDue = true }
            submissionBell.ring()
        }
        for due in written.dues.sorted().prefix(64) { wake(nil, in: due) }
        for (executor, batches) in Dictionary(grouping: written.claimed, by: \.key.executor) {
            start(batches, executor: executor)
        }
        wake(written.executors)
    }
}
