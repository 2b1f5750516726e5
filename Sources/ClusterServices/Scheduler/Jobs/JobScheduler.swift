package import Logging
package import SharedDatabase
import Synchronization

/// Runs jobs at their times: once per cluster, or on every node.
///
/// A job is a row. Each node remembers when the jobs whose runners it has are due, sleeps until the earliest
/// of these, and takes what is due in a transaction that stores the next time first; of several nodes one
/// finds it due still. Which time it is says the database alone. A run belongs to the incarnation of the node
/// that took it: when that ends, some node notes the run as lost, and one starts it again where the job asks
/// for that.
/// - Source: Atlassian, "Making plugins compatible with Bitbucket Data Center", "Scheduling jobs in a
///   cluster".
package final class JobScheduler: Sendable {
    struct State {
        var phase = Phase.idle
        /// By namespace and name, the newest last.
        var runners: [String: [String: [JobRunnerRegistration]]] = [:]
        var lastNumber = 0
        var running: [JobKey: Run] = [:]
        var plans: [JobKey: JobPlan] = [:]
        /// Rows that could not be taken though they were due, and when to look again.
        var putOff: [JobKey: ContinuousClock.Instant] = [:]
        var isPlanDue = true
        var planned = ContinuousClock.now
        /// The database's time, and when it was that.
        var databaseTime: (milliseconds: Int64, at: ContinuousClock.Instant)?
        /// Registrations that are to be made, in order.
        var wanted: [Wish] = []
        /// What has been registered, for a database that has lost commits.
        var registered: [Wish] = []
        var tasks: [Task<Void, Never>] = []
        var idle: [CheckedContinuation<Void, Never>] = []
    }

    enum Phase: Sendable {
        case idle
        case running
        case stopping
        case stopped
    }

    /// A registration that this node makes.
    struct Wish: Sendable, Hashable {
        let definition: JobDefinition
        /// Of the row that has it; `nil` while it is not registered. A row of this version, or a later one,
        /// is left as it is: somebody else may have changed or unscheduled the job since.
        var version: Int64?
    }

    /// A run on this node.
    struct Run: Sendable {
        let job: RunningJob
        let registration: JobRunnerRegistration
        var task: Task<Void, Never>?
    }

    let database: SharedDatabase
    let membership: Membership
    let clock: JobClock
    let settings: JobSettings
    let logger: Logger
    let wakeUp = WakeUp()
    let state = Mutex(State())

    /// A scheduler that does nothing before ``start()``.
    /// - Parameters:
    ///   - database: Migrated.
    ///   - membership: Of this node; nothing is started while it is no member.
    ///   - clock: The database's, unless a test has another one.
    package init(
        database: SharedDatabase, membership: Membership, settings: JobSettings = JobSettings(),
        clock: JobClock = .database, logger: Logger = Logger(label: "perigee.jobs")
    ) {
        self.database = database
        self.membership = membership
        self.settings = settings
        self.clock = clock
        self.logger = logger
    }

    /// The tables that it needs, for ``SharedDatabase/migrate(_:)``.
    package static let migrations: [Migration] = ClusterMigrations.jobs

    /// This node's id.
    package var nodeID: String { membership.identity.nodeID }

    /// Lends this node a runner. Of several with one name the newest is used.
    /// - Parameters:
    ///   - namespace: Whose code it is.
    ///   - name: What jobs call it.
    package func addRunner(
        namespace: String, name: String, runner: @escaping JobRunner
    ) -> JobRunnerRegistration {
        let registration = state.withLock { state in
            state.lastNumber += 1
            let registration = JobRunnerRegistration(
                namespace: namespace, name: name, number: state.lastNumber, runner: runner,
                onCancel: { [weak self] in self?.remove($0) })
            state.runners[namespace, default: [:]][name, default: []].append(registration)
            return registration
        }
        wakeUp.ring()
        return registration
    }

    /// Ends all runners of a namespace on this node, as ``JobRunnerRegistration/cancel()`` does.
    package func release(namespace: String) {
        let registrations = state.withLock { $0.runners[namespace]?.values.flatMap { $0 } ?? [] }
        for registration in registrations { registration.cancel() }
    }

    private func remove(_ registration: JobRunnerRegistration) {
        let runs = state.withLock { state in
            state.runners[registration.namespace]?[registration.name]?.removeAll { $0 === registration }
            return state.running.values.filter { $0.registration === registration }
        }
        for run in runs { run.job.cancel() }
    }

    /// Begins to run what is due.
    package func start() {
        let isFirst = state.withLock { state in
            guard case .idle = state.phase else { return false }
            state.phase = .running
            return true
        }
        guard isFirst else { return }
        // All three end with stop().
        let tasks = [
            Task { await self.loop() }, Task { await self.followMembership() },
            Task { await self.followSignals() },
        ]
        state.withLock { $0.tasks = tasks }
    }

    /// Starts nothing more, tells what runs to stop, and waits for it; what is left after half of the limit
    /// is cancelled. What was stopped and asks for that is started again by another node.
    package func stop(within limit: Duration) async {
        let isFirst = state.withLock { state in
            guard state.phase != .stopped, state.phase != .stopping else { return false }
            state.phase = .stopping
            for run in state.running.values { run.job.cancel() }
            return true
        }
        guard isFirst else { return }
        wakeUp.ring()
        if await !runsEnd(within: limit / 2) {
            for run in state.withLock({ Array($0.running.values) }) { run.task?.cancel() }
            _ = await runsEnd(within: limit / 2)
        }
        let tasks = state.withLock { state in
            state.phase = .stopped
            defer { state.tasks = [] }
            return state.tasks
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    /// Ends at once without telling anybody, as a process that is killed does; for tests.
    package func abandon() {
        let (tasks, runs) = state.withLock { state in
            state.phase = .stopped
            return (state.tasks, Array(state.running.values))
        }
        for task in tasks { task.cancel() }
        for run in runs { run.task?.cancel() }
    }

    private func runsEnd(within limit: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { [self] in
                await runsEnd()
                return true
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return false
            }
            let isFirst = await group.next() ?? false
            for continuation in state.withLock({ state in
                defer { state.idle = [] }
                return state.idle
            }) { continuation.resume() }
            group.cancelAll()
            return isFirst
        }
    }

    private func runsEnd() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.running.isEmpty { state.idle.append(continuation) }
                return state.running.isEmpty
            }
            if isOver { continuation.resume() }
        }
    }
}
