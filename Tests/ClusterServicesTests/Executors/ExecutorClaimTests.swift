import ClusterTestKit
import NodeTestKit
import Portable
import SharedDatabase
import Synchronization
import Testing

@testable import ClusterServices

/// Claims whose answer did not come, and claims beside submissions.
struct ExecutorClaimTests {
    @Test(arguments: TestEngine.allCases)
    func `what was claimed without the node's knowing is given back, and the attempt does not count`(
        _ engine: TestEngine
    ) async throws {
        try await ExecutorCluster.with(engine) { cluster in
            let executors = cluster[0].executors
            let owner = try cluster[0].membership.incarnation().rawValue
            let early = try await executors.submitter(
                namespace: "test", name: "work", settings: ExecutorSettings())
            try await early.submit(bucket: "a", .integer(1))
            // As if the database had carried out a claim, and the connection had been lost before it said so.
            let claimed = try await cluster.test.database.write { transaction in
                try transaction.execute(
                    "UPDATE executor_bucket SET owner = ?, claim = 999999, attempts = 1, batch_end = head",
                    [.integer(owner)])
            }
            #expect(claimed == 1)
            let deliveries = Deliveries()
            let work = try await executors.define(
                namespace: "test", name: "work", settings: ExecutorSettings()
            ) { batch in
                deliveries.begin(1, batch)
                deliveries.end(batch)
                return nil
            }
            try await work.submit(bucket: "b", .integer(2))
            try await waitUntil("the other bucket's task") { deliveries.values("b") == [2] }
            #expect(deliveries.values("a").isEmpty)
            executors.noteUnknown(owner: owner, claim: 999_999)
            try await cluster.waitUntilEmpty()
            #expect(deliveries.values("a") == [1])
            #expect(deliveries.all.allSatisfy { $0.attempt == 1 })
        }
    }

    /// Room that a submission keeps for itself while batches end and others wait for room.
    @Test(arguments: TestEngine.allCases)
    func `submissions beside batches that end leave nothing behind`(_ engine: TestEngine) async throws {
        try await ExecutorCluster.with(engine) { cluster in
            let deliveries = Deliveries()
            let work = try await cluster[0].executors.define(
                namespace: "test", name: "work",
                settings: ExecutorSettings(batch: 3, concurrency: .perNode(2))
            ) { batch in
                deliveries.begin(1, batch)
                deliveries.end(batch)
                return nil
            }
            for value in 0..<60 {
                try await work.submit(
                    ["a", "b", "c"].map { NewTask(bucket: $0, payload: .integer(Int64(value))) })
                if value % 7 == 0 { try await work.submit(bucket: "d\(value)", .integer(Int64(value))) }
            }
            try await cluster.waitUntilEmpty()
            for bucket in ["a", "b", "c"] { #expect(deliveries.values(bucket) == Array(0..<60)) }
            for value in stride(from: Int64(0), to: 60, by: 7) {
                #expect(deliveries.values("d\(value)") == [value])
            }
            #expect(deliveries.all.allSatisfy { $0.values.count <= 3 && $0.attempt == 1 })
        }
    }
}
