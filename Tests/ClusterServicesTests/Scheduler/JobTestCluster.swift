import ClusterServices
import ClusterTestKit
import Logging
import NodeTestKit
import Portable
import SharedDatabase
import Synchronization
import Testing

/// Some nodes on one database in this process, with one clock for when jobs are due.
final class JobTestCluster: Sendable {
    let clock: TestClock
    let nodes: [JobTestNode]
    let database: SharedDatabase
    /// What ran, in order: `node1 job 1800000060000`.
    let record: Record

    private init(clock: TestClock, nodes: [JobTestNode], database: SharedDatabase, record: Record) {
        (self.clock, self.nodes, self.database, self.record) = (clock, nodes, database, record)
    }

    /// Runs the body with nodes that have joined and whose schedulers run.
    static func run(
        nodes count: Int = 1, on engine: TestEngine, clock: TestClock = .stopped,
        lease: Duration = .seconds(10), _ change: (inout JobSettings) -> Void = { _ in },
        _ body: (JobTestCluster) async throws -> Void
    ) async throws {
        var settings = JobSettings()
        change(&settings)
        let migrations = Membership.migrations + JobScheduler.migrations
        let test = try await TestDatabase.open(engine, migrations: migrations)
        let record = Record()
        var nodes: [JobTestNode] = []
        do {
            for number in 1...count {
                nodes.append(
                    try await JobTestNode(
                        "node\(number)", on: test, record: record, clock: clock, lease: lease,
                        settings: settings))
            }
            try await body(
                JobTestCluster(clock: clock, nodes: nodes, database: test.database, record: record))
        } catch {
            await stop(nodes, test)
            throw error
        }
        await stop(nodes, test)
    }

    private static func stop(_ nodes: [JobTestNode], _ test: TestDatabase) async {
        for node in nodes { await node.scheduler.stop(within: .seconds(5)) }
        for node in nodes { await node.membership.leave() }
        for node in nodes { await node.database.close() }
        await test.database.close()
    }

    /// Sets the clock forward, or back, and has every node look.
    func advance(by milliseconds: Int64) async throws {
        clock.advance(by: milliseconds)
        for node in nodes { try? await node.database.notify("perigee_jobs", "") }
    }

    /// The row of a job, with its runs.
    func job(_ name: String = "job") async throws -> JobStatus {
        try #require(try await findJob(name))
    }

    private func findJob(_ name: String) async throws -> JobStatus? {
        let database = database
        let scheduler = JobScheduler(
            database: database, membership: nodes[0].membership, clock: clock.jobClock)
        return try await scheduler.fetchJobs(namespace: "test", name: name).first
    }

    /// Returns when the job has had so many runs that have ended.
    func waitForEnds(_ count: Int, of name: String = "job") async throws -> [JobRun] {
        try await waitFor("\(count) runs of \(name)", deadline: .seconds(60)) {
            let runs = try await self.findJob(name)?.runs.filter { $0.outcome != nil } ?? []
            return runs.count >= count ? runs : nil
        }
    }

    /// Returns when so many runs have begun, of all jobs and nodes.
    func waitForStarts(_ count: Int) async throws {
        try await waitUntil("\(count) starts", deadline: .seconds(60), detail: { "\(self.record.all)" }) {
            self.record.all.count >= count
        }
    }

    /// Returns when every node has looked at what is due now: each runs a job of its own.
    func settle() async throws {
        let name = "settle-\(record.all.count)"
        let before = record.all.count
        for node in nodes {
            node.lend(name)
            try await node.scheduler.schedule(
                .test(name, .once(at: 0)) { $0.mode = .everyNode })
        }
        try await waitForStarts(before + nodes.count)
    }

    /// The times that a job ran for, in the order of its starts.
    func times(_ name: String = "job") -> [Int64] {
        record.all.compactMap { entry in
            let words = entry.split(separator: " ")
            return words[1] == name ? Int64(words[2]) : nil
        }
    }
}

/// One node, with its own connections.
final class JobTestNode: Sendable {
    let name: String
    let database: SharedDatabase
    let membership: Membership
    let scheduler: JobScheduler
    /// By which it believes in its lease.
    let bootClock = ManualBootClock()
    private let record: Record

    /// - Parameter url: Another way to the database.
    init(
        _ name: String, on test: TestDatabase, record: Record, clock: TestClock, lease: Duration,
        settings: JobSettings, url: String? = nil
    ) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        self.name = name
        self.record = record
        database =
            test.engine == .postgres
            ? try test.openAnother(url: url)
            : try SharedDatabase.openSQLite(path: test.location, logger: logger)
        membership = Membership(
            database: database,
            identity: NodeDescription(nodeID: name, version: "1", sharedHomeID: "home"), leaseDuration: lease,
            logger: logger, clock: bootClock.clock)
        scheduler = JobScheduler(
            database: database, membership: membership, settings: settings, clock: clock.jobClock,
            logger: logger)
        try await membership.join()
        scheduler.start()
    }

    /// Runs are noted, and end at once.
    @discardableResult
    func lend(_ runner: String = "job") -> JobRunnerRegistration {
        scheduler.addRunner(namespace: "test", name: runner) { [record, name] job in
            record.add("\(name) \(job.name) \(job.run.fireTime)")
            return "on \(name)"
        }
    }

    /// Runs are noted, and end when the gate opens.
    @discardableResult
    func lend(_ runner: String = "job", until gate: Gate) -> JobRunnerRegistration {
        scheduler.addRunner(namespace: "test", name: runner) { [record, name] job in
            record.add("\(name) \(job.name) \(job.run.fireTime)")
            await gate.wait()
            return nil
        }
    }

    /// As a process that is killed: nothing is given back.
    func kill() async {
        await database.close()
        scheduler.abandon()
    }
}

/// A clock that tests set.
final class TestClock: Sendable {
    private let offset: Mutex<Int64>
    private let isStopped: Bool

    private init(isStopped: Bool) {
        self.isStopped = isStopped
        offset = Mutex(isStopped ? TestClock.start : 0)
    }

    /// When a stopped clock begins.
    static let start: Int64 = 1_800_000_000_000

    /// Goes on only when it is told to.
    static var stopped: TestClock { TestClock(isStopped: true) }
    /// The database's, set forward and back by tests.
    static var running: TestClock { TestClock(isStopped: false) }

    var jobClock: JobClock {
        JobClock { [self] transaction in
            let now = isStopped ? 0 : try transaction.now()
            return now + offset.withLock { $0 }
        }
    }

    func advance(by milliseconds: Int64) { offset.withLock { $0 += milliseconds } }
}

extension JobDefinition {
    /// A job of the tests' namespace.
    static func test(
        _ name: String, _ schedule: JobSchedule, _ change: (inout JobDefinition) -> Void = { _ in }
    ) -> JobDefinition {
        var definition = JobDefinition(namespace: "test", name: name, schedule: schedule)
        change(&definition)
        return definition
    }

    /// The job `job`.
    static func test(
        _ schedule: JobSchedule, _ change: (inout JobDefinition) -> Void = { _ in }
    ) -> JobDefinition {
        test("job", schedule, change)
    }
}
