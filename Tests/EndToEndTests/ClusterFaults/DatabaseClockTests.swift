import Foundation
import NodeTestKit
import Testing

/// A database whose clock is put forward by an hour, and back, while three nodes work.
@Suite struct DatabaseClockTests {
    @Test func `a database's clock that jumps takes nothing from a node, and nothing waits for it`()
        async throws
    {
        var options = RunningCluster.Options()
        options.server.hasOwnClock = true
        let cluster = try await RunningCluster.prepare(options)
        try cluster.install(Fixture.folder("com.example.witness"))
        try await cluster.start()
        let clock = try #require(cluster.server.clock)
        let incarnations = try await cluster.incarnations
        try await cluster.order(0, "hold l1 end")
        let held = try await cluster.note("wrote", ["lock": "l1"], on: 0)
        // Once now, and then every hour.
        try await cluster.order(1, "rounds 1 1")
        try await waitUntil("the first run") { try await cluster.kept("round/").count == 1 }
        try await cluster.submit("b1")

        try clock.set("+3600")
        try await waitUntil("the second run") { try await cluster.kept("round/").count == 2 }
        try await cluster.waitForRenewals()
        #expect(cluster.notes("batch", ["bucket": "b1"]).count == 1)
        // One on each node, and one that waits since a time that is about to be in the future.
        for bucket in ["b2", "b3"] { try await cluster.submit(bucket) }
        try await cluster.order(2, "submit b4 1")
        _ = try await cluster.note("submitted", ["bucket": "b4"], on: 2)

        try clock.set("+0")
        try await cluster.waitForRenewals()
        #expect(cluster.notes("batch", ["bucket": "b4"]).isEmpty)
        try await cluster.order(1, "go b1")
        try await cluster.order(1, "go b4")
        for bucket in ["b1", "b4"] { _ = try await cluster.note("processed", ["bucket": bucket]) }
        try await cluster.submit("b5")
        for bucket in ["b2", "b3", "b5"] { try await cluster.order(1, "go \(bucket)") }
        for bucket in ["b2", "b3", "b5"] { _ = try await cluster.note("processed", ["bucket": bucket]) }
        try await cluster.order(1, "rounds 2 2")
        try await waitUntil("a run of a new job") { try await cluster.kept("round/").count == 3 }
        // Each bucket had one processor, and one attempt.
        let batches = cluster.notes("batch")
        #expect(batches.count == 5 && batches.allSatisfy { $0.facts["attempt"] == "1" }, "\(batches)")
        #expect(try await cluster.incarnations == incarnations)
        #expect(["lost", "refused", "gap"].allSatisfy { cluster.notes($0).isEmpty })
        try await cluster.order(1, "go end")
        _ = try await cluster.note("released", ["token": held.text("token")], on: 0)
        try await cluster.stop()
        try await cluster.server.stop()
    }
}

extension RunningCluster {
    /// Submits a task and waits until some node works on it.
    fileprivate func submit(_ bucket: String) async throws {
        try await order(2, "submit \(bucket) 1")
        _ = try await note("batch", ["bucket": bucket])
    }
}
