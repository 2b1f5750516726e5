import ClusterTestKit
import NodeTestKit
import SharedDatabase
import Synchronization
import Testing

@testable import ClusterServices

/// What nodes want to be registered, and what becomes of it without them.
@Suite struct JobRegistrationTests {
    @Test func `after a promotion what it has lost is registered again, and nothing that was unscheduled`()
        async throws
    {
        let migrations = Membership.migrations + JobScheduler.migrations
        let servers = try await FollowedServer(migrations)
        let test = try await TestDatabase.open(.postgres)
        var nodes: [JobTestNode] = []
        for number in 1...2 {
            nodes.append(
                try await JobTestNode(
                    "node\(number)", on: test, record: Record(), clock: .running, lease: .seconds(3),
                    settings: JobSettings(), url: servers.url))
        }
        for node in nodes {
            for name in ["unscheduled", "moved"] {
                try node.scheduler.want(.test(name, .interval(3_600_000)))
            }
            try await node.waitForRegistrations()
        }
        try await nodes[0].scheduler.unschedule(namespace: "test", name: "unscheduled")
        try await nodes[0].scheduler.schedule(.test("moved", .interval(7_200_000)))
        try await servers.waitForStandby()
        try await servers.cutStandbyOff()

        // All of this is lost.
        try nodes[1].scheduler.want(.test("moved", .interval(1_800_000)))
        for node in nodes {
            try node.scheduler.want(.test("last-\(node.name)", .interval(3_600_000)))
            try await node.waitForRegistrations()
        }
        try await servers.failOver()
        let scheduler = nodes[0].scheduler
        // Each node registers in order, and this last.
        try await waitUntil("the lost jobs are back") {
            let jobs = try? await scheduler.fetchJobs(namespace: "test")
            return jobs?.count { $0.name.hasPrefix("last-") } == 2
        }
        let jobs = try await scheduler.fetchJobs(namespace: "test")
        #expect(jobs.map(\.name) == ["last-node1", "last-node2", "moved"])
        #expect(jobs.last?.schedule == .interval(1_800_000))
        for node in nodes {
            await node.scheduler.stop(within: .seconds(5))
            await node.membership.leave()
            await node.database.close()
        }
        await test.database.close()
    }

    @Test(arguments: TestEngine.allCases)
    func `what a node that is long gone has left of a job of every node is deleted, its runs with it`(
        engine: TestEngine
    ) async throws {
        try await JobTestCluster.run(nodes: 2, on: engine) { cluster in
            for node in cluster.nodes {
                node.lend()
                try await node.scheduler.schedule(.test(.interval(60_000)) { $0.mode = .everyNode })
            }
            try await cluster.advance(by: 60_000)
            for node in cluster.nodes { try await cluster.waitForEnd(on: node) }
            await cluster.nodes[1].scheduler.stop(within: .seconds(5))
            await cluster.nodes[1].membership.leave()
            let again: () async throws -> Void = {
                try await cluster.nodes[0].scheduler.schedule(
                    .test(.interval(60_000)) { $0.mode = .everyNode })
            }
            try await again()
            #expect(try await cluster.slots(of: "job_run") == ["node1", "node2"])
            cluster.clock.advance(by: 8 * 86_400_000)
            try await again()
            #expect(try await cluster.slots(of: "job") == ["node1"])
            #expect(try await cluster.slots(of: "job_run") == ["node1"])
        }
    }
}

extension JobTestCluster {
    fileprivate func waitForEnd(on node: JobTestNode) async throws {
        try await waitUntil("an end on \(node.name)") {
            try await node.scheduler.fetchJobs(namespace: "test", name: "job")
                .contains { $0.nodeID == node.name && $0.lastRun != nil }
        }
    }

    /// The nodes of which a table has rows of the job.
    fileprivate func slots(of table: String) async throws -> [String] {
        try await database.read { transaction in
            try transaction.rows("SELECT DISTINCT slot FROM \(table) WHERE name = 'job' ORDER BY slot")
                .map { try $0.text("slot") }
        }
    }
}

extension JobTestNode {
    fileprivate func waitForRegistrations() async throws {
        try await waitUntil("all is registered") {
            self.scheduler.state.withLock {
                $0.wanted.isEmpty && $0.registered.allSatisfy { $0.version != nil }
            }
        }
    }
}
