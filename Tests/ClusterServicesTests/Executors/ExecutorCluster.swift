import ClusterTestKit
import Logging
import NodeTestKit
import Portable
import SharedDatabase
import Synchronization

@testable import ClusterServices

/// Nodes in this process that share one database, each with an executor service.
final class ExecutorCluster: Sendable {
    let test: TestDatabase
    private let lease: Duration
    private let nodes = Mutex<[ExecutorNode]>([])

    private init(_ test: TestDatabase, lease: Duration) {
        self.test = test
        self.lease = lease
    }

    /// Runs the body with that many nodes.
    static func with<R>(
        _ engine: TestEngine, nodes: Int = 1, lease: Duration = .seconds(2),
        _ body: (ExecutorCluster) async throws -> R
    ) async throws -> R {
        try await TestDatabase.with(
            engine, migrations: KeyValueStore.migrations + Membership.migrations + ExecutorService.migrations
        ) {
            test in
            try await test.database.write { transaction in
                try transaction.execute("CREATE TABLE effect (bucket TEXT NOT NULL, value BIGINT NOT NULL)")
            }
            let cluster = ExecutorCluster(test, lease: lease)
            do {
                for _ in 0..<nodes { try await cluster.addNode() }
                let result = try await body(cluster)
                await cluster.stop()
                return result
            } catch {
                await cluster.stop()
                throw error
            }
        }
    }

    subscript(_ index: Int) -> ExecutorNode { nodes.withLock { $0[index] } }

    var all: [ExecutorNode] { nodes.withLock { $0 } }

    @discardableResult
    func addNode() async throws -> ExecutorNode {
        let number = nodes.withLock { $0.count + 1 }
        let node = try ExecutorNode(number: number, database: try test.openAnother(), lease: lease)
        try await node.membership.join()
        try await node.executors.start()
        let count = nodes.withLock { nodes in
            nodes.append(node)
            return nodes.count { !$0.isDead }
        }
        for other in all where !other.isDead {
            try await waitUntil("node \(other.number) to see \(count) nodes") {
                other.executors.state.withLock { $0.nodes } == count
            }
        }
        return node
    }

    /// The values that effects have written for a bucket.
    func effects(_ bucket: String) async throws -> [Int64] {
        try await test.database.read { transaction in
            try transaction.rows("SELECT value FROM effect WHERE bucket = ? ORDER BY value", [.text(bucket)])
                .map { try $0.integer("value") }
        }
    }

    /// Waits until an executor holds nothing more that is not dead.
    func waitUntilEmpty(_ name: String = "work") async throws {
        let node = all.first { !$0.isDead } ?? self[0]
        try await waitUntil("executor \(name) to be empty") {
            let overview = try await node.executors.fetchOverviews().first { $0.name == name }
            return overview.map { $0.waiting == 0 && $0.delayed == 0 } ?? true
        }
    }

    private func stop() async {
        for node in all {
            await node.executors.stop(grace: .zero)
            if !node.isDead { await node.membership.leave() }
            if test.engine == .postgres { await node.database.close() }
        }
    }
}

/// One node of a test.
final class ExecutorNode: Sendable {
    let number: Int
    let database: SharedDatabase
    let membership: Membership
    let executors: ExecutorService
    private let frozenAt = Mutex<Duration?>(nil)
    private let dead = Mutex(false)

    init(number: Int, database: SharedDatabase, lease: Duration) throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        self.number = number
        self.database = database
        let holder = ClockHolder()
        membership = Membership(
            database: database,
            identity: NodeDescription(nodeID: "node-\(number)", version: "1", sharedHomeID: "home"),
            leaseDuration: lease, logger: logger, clock: BootClock { holder.now })
        executors = ExecutorService(database: database, membership: membership, logger: logger)
        holder.node.withLock { $0 = WeakNode(self) }
    }

    var isDead: Bool { dead.withLock { $0 } }

    /// Stops the node's clock and its claims: it goes on believing in its lease, which nobody renews, as a
    /// process that is paused; what was begun goes on.
    func pause() {
        executors.state.withLock { $0.isStopped = true }
        frozenAt.withLock { $0 = BootClock.system.now }
    }

    /// Ends the node as a kill does: without a word to the others.
    func kill() async {
        dead.withLock { $0 = true }
        executors.abandon()
        pause()
        // With SQLite the other nodes have the same connection.
    }

    private final class ClockHolder: Sendable {
        let node = Mutex(WeakNode(nil))

        var now: Duration {
            node.withLock { $0.node }?.frozenAt.withLock { $0 } ?? BootClock.system.now
        }
    }

    private struct WeakNode: Sendable {
        weak var node: ExecutorNode?

        init(_ node: ExecutorNode?) { self.node = node }
    }
}

/// What processors were given, in the order of their beginnings.
final class Deliveries: Sendable {
    struct Delivery: Sendable, Hashable {
        let node: Int
        let bucket: String
        let values: [Int64]
        let attempt: Int
    }

    private struct State {
        var all: [Delivery] = []
        var busy: [String: Int] = [:]
        var mostAtOnce = 0
        var mostBuckets = 0
    }

    private let state = Mutex(State())

    var all: [Delivery] { state.withLock { $0.all } }
    /// How many processors of one bucket ran at the same time, at most.
    var mostAtOnce: Int { state.withLock { $0.mostAtOnce } }
    /// How many buckets are worked on now.
    var busyBuckets: Int { state.withLock { $0.busy.count } }

    func begin(_ node: Int, _ batch: TaskBatch) {
        state.withLock { state in
            state.all.append(
                Delivery(
                    node: node, bucket: batch.bucket,
                    values: batch.tasks.map { $0.payload.integerValue ?? -1 }, attempt: batch.attempt))
            state.busy[batch.bucket, default: 0] += 1
            state.mostAtOnce = max(state.mostAtOnce, state.busy[batch.bucket] ?? 0)
        }
    }

    func end(_ batch: TaskBatch) {
        state.withLock { state in
            let count = (state.busy[batch.bucket] ?? 1) - 1
            state.busy[batch.bucket] = count > 0 ? count : nil
        }
    }

    /// The values of a bucket in the order in which they came first.
    func firsts(_ bucket: String) -> [Int64] {
        var seen: Set<Int64> = []
        return all.filter { $0.bucket == bucket }.flatMap(\.values).filter { seen.insert($0).inserted }
    }

    /// All values of a bucket as they came.
    func values(_ bucket: String) -> [Int64] { all.filter { $0.bucket == bucket }.flatMap(\.values) }
}

/// Holds those who come until it is opened.
final class ExecutorGate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func pass() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
