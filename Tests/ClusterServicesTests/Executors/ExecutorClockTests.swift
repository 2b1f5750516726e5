import ClusterTestKit
import NodeTestKit
import Portable
import SharedDatabase
import Testing

@testable import ClusterServices

/// The database's clock is set while executors have tasks. What the tables say then is written by the test.
struct ExecutorClockTests {
    private static let hour: Int64 = 3_600_000

    @Test(arguments: TestEngine.allCases)
    func `a clock set forward takes no bucket from a living node, and work goes on`(
        _ engine: TestEngine
    ) async throws {
        try await ExecutorCluster.with(engine, nodes: 2, lease: .seconds(60)) { cluster in
            let deliveries = Deliveries()
            let gate = ExecutorGate()
            let store = KeyValueStore(database: cluster[0].database)
            var works: [BucketedExecutor] = []
            for node in cluster.all {
                works.append(
                    try await node.executors.define(
                        namespace: "test", name: "work", settings: ExecutorSettings(concurrency: .perNode(4))
                    ) { batch in
                        deliveries.begin(node.number, batch)
                        defer { deliveries.end(batch) }
                        if batch.bucket == "held" { await gate.pass() }
                        _ = try await store.put(
                            namespace: "n", key: batch.bucket, value: 1, condition: batch.fence,
                            quotaBytes: 1 << 20)
                        return nil
                    })
            }
            try await works[0].submit(bucket: "held", .integer(1))
            try await waitUntil("a run") { deliveries.all.count == 1 }
            // All leases are over by the clock, and none is due to be renewed.
            try await cluster.test.database.write { transaction in
                try transaction.execute(
                    "UPDATE cluster_node SET lease_until = lease_until - ?", [.integer(Self.hour)])
            }
            let swept = try await cluster.test.database.write { transaction in
                let rows = try ExecutorRows(transaction)
                return (try rows.hasLost(), try rows.sweep(limit: 10).executors)
            }
            #expect(!swept.0 && swept.1.isEmpty)
            for node in cluster.all { node.executors.lookEverywhere() }
            for (number, work) in works.enumerated() {
                for value in 0..<5 {
                    try await work.submit(bucket: "\(number)-\(value)", .integer(Int64(value)))
                }
            }
            try await waitUntil("the other tasks") { deliveries.all.count == 11 }
            gate.open()
            try await cluster.waitUntilEmpty()
            #expect(deliveries.values("held") == [1] && deliveries.mostAtOnce == 1)
            #expect(deliveries.all.count == 11 && deliveries.all.allSatisfy { $0.attempt == 1 })
            #expect(try await store.fetchValue(namespace: "n", key: "held")?.value == 1)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `after a clock set back tasks do not wait for it to get there again`(
        _ engine: TestEngine
    ) async throws {
        struct Broken: Error {}
        try await ExecutorCluster.with(engine) { cluster in
            let deliveries = Deliveries()
            let executors = cluster[0].executors
            let settings = ExecutorSettings(backoff: .seconds(200), backoffMax: .seconds(300))
            let early = try await executors.submitter(namespace: "test", name: "work", settings: settings)
            try await early.submit(bucket: "waiting", .integer(1))
            try await early.submit(bucket: "delayed", .integer(2), delay: .seconds(3))
            // As if all of this had been an hour later by the clock of then.
            try await cluster.test.database.write { transaction in
                for statement in [
                    "UPDATE executor_bucket SET ready_at = ready_at + ?",
                    "UPDATE executor_delayed SET submitted_at = submitted_at + ?",
                    "UPDATE executor_delayed SET due_at = due_at + ?",
                ] {
                    let count = try transaction.execute(statement, [.integer(Self.hour)])
                    #expect(count == 1)
                }
            }
            let work = try await executors.define(namespace: "test", name: "work", settings: settings) {
                deliveries.begin(1, $0)
                deliveries.end($0)
                if $0.bucket == "failing" { throw Broken() }
                return nil
            }
            try await work.submit(bucket: "later", .integer(3), delay: .seconds(3_600))
            try await work.submit(bucket: "failing", .integer(4))
            let before: [Int64] = try await waitFor("a rest") {
                let times = try await Self.times(cluster)
                return times.count == 2 ? times : nil
            }
            await executors.catchUpWithClock(delayed: true)
            executors.lookEverywhere()
            try await waitUntil("the tasks") {
                deliveries.values("waiting") == [1] && deliveries.values("delayed") == [2]
            }
            // What has a rest or a delay of its own keeps it.
            #expect(try await Self.times(cluster) == before)
            // That rest is longer than any can be: it began before the clock was set back.
            try await cluster.test.database.write { transaction in
                _ = try transaction.execute(
                    "UPDATE executor_bucket SET ready_at = ready_at + ?", [.integer(Self.hour)])
            }
            await executors.catchUpWithClock(delayed: false)
            try await waitUntil("the second attempt") { deliveries.values("failing") == [4, 4] }
            #expect(deliveries.values("later").isEmpty)
        }
    }

    /// When the bucket that rests and the task with a delay of an hour are due.
    private static func times(_ cluster: ExecutorCluster) async throws -> [Int64] {
        try await cluster.test.database.read { transaction in
            let now = try transaction.now()
            let rows = try transaction.rows(
                """
                SELECT ready_at AS at, bucket FROM executor_bucket WHERE attempts > 0 AND owner = 0
                AND ready_at > ? UNION ALL SELECT due_at, bucket FROM executor_delayed WHERE bucket = 'later'
                ORDER BY bucket
                """, [.integer(now + 100_000)])
            return try rows.map { try $0.integer("at") }
        }
    }
}
