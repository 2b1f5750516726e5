import Foundation
import NodeTestKit
import Portable
import Testing

/// A node whose clock is put forward and back by an hour while it runs.
@Suite struct ClockJumpTests {
    @Test func `a clock that jumps takes no lock away, gives none, and starts no job`() async throws {
        let folder = try TemporaryDirectory("clock")
        let clock = try FakedClock(file: folder.path("offset"))
        var options = RunningCluster.Options()
        options.nodes = 2
        options.environments[0] = try clock.environment
        let cluster = try await RunningCluster.prepare(options)
        try cluster.install(Fixture.folder("com.example.witness"))
        try await cluster.start()
        // Once now, and then every hour.
        try await cluster.order(1, "rounds 1 1")
        try await waitUntil("the first run") { try await cluster.kept("round/").count == 1 }
        // Each node holds a lock.
        for (holder, lock) in [(0, "l1"), (1, "l2")] {
            try await cluster.order(holder, "hold \(lock) end")
            _ = try await cluster.note("wrote", ["lock": lock], on: holder)
        }
        let tokens = try cluster.notes("wrote").map { try $0.text("token") }
        let incarnations = try await cluster.incarnations
        for jump in ["+3600", "-3600", "+0"] {
            try clock.set(jump)
            try await waitUntil("a node whose clock is \(jump)") {
                try await clock.isSeen(jump, by: cluster.nodes[0])
            }
            try await cluster.waitForRenewals()
        }
        #expect(try await cluster.incarnations == incarnations)
        #expect(cluster.notes("lost").isEmpty && cluster.notes("refused").isEmpty)
        #expect(try await cluster.kept("round/").count == 1)
        let list = try await cluster.nodes[1].http.get("/rest/api/latest/admin/locks").json()
        let held = (list["values"]?.listValue ?? []).compactMap { $0["token"]?.stringValue }
        #expect(Set(tokens).isSubset(of: held))
        // Their plugins would be waited for.
        for node in cluster.nodes { try await node.kill() }
    }
}

extension RunningCluster {
    /// The nodes' lives in the cluster.
    var incarnations: String {
        get async throws {
            try await server.psql("SELECT incarnation FROM cluster_node ORDER BY incarnation")
        }
    }

    /// Waits until all nodes have renewed their leases so often that others had the time to take them away.
    func waitForRenewals() async throws {
        let least = "SELECT min(renewals) FROM cluster_node"
        let before = Int(try await server.psql(least)) ?? 0
        try await waitUntil("some renewals") { (Int(try await self.server.psql(least)) ?? 0) >= before + 5 }
    }
}
