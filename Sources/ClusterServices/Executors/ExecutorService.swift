package import Logging
import Portable
package import SharedDatabase
import Synchronization

/// Durable tasks in buckets: submitted on any node, worked on by any node that has defined the executor, at
/// least once, in the order in which their submissions were committed, and by one processor per bucket in the
/// cluster.
///
/// Whoever works on a bucket is an incarnation of this node's membership; the end of a batch is written down
/// only while the bucket is still its own, so that of two processors of one bucket only the younger can
/// commit anything. Submissions that come while one is being written go together with the next; so do ends of
/// batches and claims.
package final class ExecutorService: Sendable {
    struct State {
        var slots: [Int64: ExecutorSlot] = [:]
        var submissions: [Submission] = []
        var settlements: [Settlement] = []
        var lastNumber = 0
        var lastClaim: Int64 = 0
        /// How many nodes there are.
        var nodes = 1
        /// Whether delayed tasks are due.
        var isPromotionDue = true
        /// Claims of which nobody knows whether the database took them, and how long that may take.
        var unknownClaims: [(owner: Int64, claim: Int64, until: ContinuousClock.Instant)] = []
        /// Whether the last submissions found no room.
        var wasFull = false
        /// Whether buckets of lost nodes are looked for.
        var isSweepDue = true
        var isStopped = false
        /// Executors that other nodes are to be told of.
        var tidings: Set<Int64> = []
        var loops: [Task<Void, Never>] = []
        var timer: (due: ContinuousClock.Instant, task: Task<Void, Never>)?
        var dues: [(due: ContinuousClock.Instant, executor: Int64?)] = []
    }

    /// How often all is looked for, whatever was heard.
    static let pollInterval = Duration.seconds(5)
    static let channel = "perigee_executor"
    static let tasksPerTransaction = 2000
    /// Tasks of one submission.
    package static let submissionMax = 1000

    let database: SharedDatabase
    let membership: Membership
    let logger: Logger
    let limits = PortableLimits(bytesMax: 64 * 1024)
    let state = Mutex(State())
    let submissionBell = WakeBell()
    let claimBell = WakeBell()
    let tidingsBell = WakeBell()
    let metrics = ExecutorMetrics()

    /// The tables that it needs, for ``SharedDatabase/migrate(_:)``; those of ``Membership`` as well.
    package static let migrations: [Migration] = ClusterMigrations.executors

    /// - Parameters:
    ///   - database: Must have been migrated before ``start()``.
    ///   - membership: This node's; it may join later.
    package init(
        database: SharedDatabase, membership: Membership, logger: Logger = Logger(label: "perigee.executors")
    ) {
        self.database = database
        self.membership = membership
        self.logger = logger
    }

    /// Begins to work on what is defined, now and later.
    /// - Throws: ``DatabaseError``.
    package func start() async throws {
        let changes = membership.changes()
        let signals = try await database.signals(of: [Self.channel])
        let loops = [
            Task { await self.follow(changes) }, Task { await self.listen(signals) },
            Task { await self.submissionLoop() }, Task { await self.claimLoop() },
            Task { await self.tidingsLoop() },
            Task { await self.housekeepingLoop() },
        ]
        state.withLock { $0.loops = loops }
        lookEverywhere()
    }

    /// Ends all executors of this node: batches that do not end within `grace` are given back.
    package func stop(grace: Duration = .seconds(10)) async {
        let (ids, isFirst) = state.withLock { state in
            defer { state.isStopped = true }
            return (Array(state.slots.keys), !state.isStopped)
        }
        guard isFirst else { return }
        await end(ids, grace: grace) { _ in true }
        await endLoops()
    }

    /// Defines an executor on this node. One of the same name is replaced: batches that run go on, later ones
    /// come to the new processor, and the end of the old definition does nothing any more.
    /// - Parameters:
    ///   - namespace: Whose it is, 1 to 200 bytes; names within it are its own.
    ///   - name: 1 to 200 bytes.
    /// - Throws: ``ExecutorError``, ``DatabaseError``.
    package func define(
        namespace: String, name: String, settings: ExecutorSettings, process: @escaping TaskProcessor
    ) async throws -> BucketedExecutor {
        let id = try await id(namespace: namespace, name: name)
        let (number, drained) = try state.withLock { state -> (Int, [CheckedContinuation<Void, Never>]) in
            guard !state.isStopped else { throw ExecutorError.ended(name: name) }
            state.lastNumber += 1
            let definition = ExecutorSlot.Definition(
                number: state.lastNumber, namespace: namespace, name: name, settings: settings,
                process: process)
            guard var slot = state.slots[id] else {
                state.slots[id] = ExecutorSlot(definition)
                return (state.lastNumber, [])
            }
            slot.definition = definition
            (slot.isEnded, slot.mayHaveMore, slot.readySince) = (false, true, 0)
            let drained = slot.drained
            slot.drained = []
            state.slots[id] = slot
            return (state.lastNumber, drained)
        }
        for waiter in drained { waiter.resume() }
        claimBell.ring()
        return BucketedExecutor(service: self, id: id, number: number, name: name, settings: settings)
    }

    /// Gives an executor for submitting alone: this node works on its tasks only where it defines it.
    /// - Throws: ``ExecutorError``, ``DatabaseError``.
    package func submitter(
        namespace: String, name: String, settings: ExecutorSettings
    ) async throws -> BucketedExecutor {
        let id = try await id(namespace: namespace, name: name)
        return BucketedExecutor(service: self, id: id, number: 0, name: name, settings: settings)
    }

    private func id(namespace: String, name: String) async throws -> Int64 {
        for text in [namespace, name] {
            guard !text.isEmpty, text.utf8.count <= 200, !text.utf8.contains(0) else {
                throw ExecutorError.invalidName(text)
            }
        }
        return try await database.write { transaction in
            try ExecutorRows.id(namespace: namespace, name: name, transaction)
        }
    }

    /// Ends the executors of a namespace on this node. Batches that run may end within `grace`; the others
    /// are cancelled and given back, and what they still do is not written down.
    package func release(namespace: String, grace: Duration = .seconds(10)) async {
        let ids = state.withLock { state in
            state.slots.filter { $0.value.definition.namespace == namespace }.map(\.key)
        }
        await end(ids, grace: grace) { $0.namespace == namespace }
    }

    /// Ends definitions; a slot that was defined anew meanwhile is left.
    func end(
        _ ids: [Int64], grace: Duration, where isMeant: @Sendable (ExecutorSlot.Definition) -> Bool
    ) async {
        let ended = state.withLock { state in
            ids.filter { id in
                guard let slot = state.slots[id], isMeant(slot.definition) else { return false }
                state.slots[id]?.isEnded = true
                giveBackWaiting(&state, id)
                return true
            }
        }
        claimBell.ring()
        let timer = Task { [self] in
            try? await Task.sleep(for: grace)
            for id in ended { cutOff(id) }
        }
        for id in ended { await drained(id) }
        timer.cancel()
        await timer.value
        state.withLock { state in
            for id in ended where state.slots[id]?.isEnded == true { state.slots[id] = nil }
        }
    }

    /// Waits until nothing runs in an executor that has ended.
    private func drained(_ id: Int64) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isOver = state.withLock { state in
                guard let slot = state.slots[id], slot.isEnded, !slot.running.isEmpty else { return true }
                state.slots[id]?.drained.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    /// Cancels what runs in an ended executor and gives it back at once: no later end of it counts.
    private func cutOff(_ id: Int64) {
        guard !Task.isCancelled else { return }
        let (tasks, drained) = state.withLock {
            state -> ([Task<Void, Never>], [CheckedContinuation<Void, Never>]) in
            guard let slot = state.slots[id], slot.isEnded else { return ([], []) }
            state.slots[id]?.running = [:]
            state.slots[id]?.drained = []
            state.settlements += slot.running.values.map {
                Settlement(batch: $0.batch, definition: $0.definition, outcome: .givenBack(rest: 0))
            }
            return (slot.running.values.map(\.task), slot.drained)
        }
        for task in tasks { task.cancel() }
        for waiter in drained { waiter.resume() }
        claimBell.ring()
    }

    /// Ends at once as if the process had been killed: nothing more reaches the database. For tests.
    func abandon() {
        let (loops, tasks, submissions) = state.withLock { state in
            let tasks = state.slots.values.flatMap { $0.running.values.map(\.task) }
            let rest = (state.loops, tasks, state.submissions)
            state = State()
            state.isStopped = true
            return rest
        }
        for submission in submissions {
            submission.done.resume(throwing: ExecutorError.ended(name: submission.name))
        }
        for task in loops + tasks { task.cancel() }
        for bell in [submissionBell, claimBell, tidingsBell] { bell.close() }
    }
}
