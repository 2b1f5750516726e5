import ClusterTestKit
import NodeTestKit
import SharedDatabase
import Synchronization
import Testing

@testable import ClusterServices

/// A node that is not certain of its lease for a moment, because its session with the database ended or its
/// process was late. On SQLite there is no such doubt.
@Suite struct JobDoubtTests {
    @Test func `a lease in doubt neither stops a run nor loses its end`() async throws {
        try await JobTestCluster.run(on: .postgres, lease: .seconds(60)) { cluster in
            let (gate, record) = (Gate(), cluster.record)
            let node = cluster.nodes[0]
            _ = node.scheduler.addRunner(namespace: "test", name: "job") { job in
                record.add("node1 job \(job.run.fireTime)")
                await gate.wait()
                return job.isCancelled ? "was told to stop" : "ran on"
            }
            try await node.scheduler.schedule(.test(.interval(60_000)) { $0.recovers = true })
            try await cluster.advance(by: 60_000)
            try await cluster.waitForStarts(1)
            let renewals = try await cluster.holdRenewals()
            try await node.doubt()
            gate.open()
            let runs = try await cluster.waitForEnds(1)
            #expect(!node.membership.isMember)
            #expect(runs.map(\.outcome) == [.succeeded] && runs.map(\.message) == ["ran on"])
            try await renewals.end()
            _ = try await node.membership.certainIncarnation()
            try await cluster.settle()
            #expect(cluster.times().count == 1)
            #expect(try await cluster.job().runs == runs)
        }
    }

    @Test func `a run that was taken before the doubt begins in it`() async throws {
        try await JobTestCluster.run(on: .postgres, lease: .seconds(60)) { cluster in
            let node = cluster.nodes[0]
            node.lend()
            // Whoever takes a run waits for the test before the transaction ends.
            try await cluster.database.write { transaction in
                try transaction.execute(
                    """
                    CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql
                    AS 'BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END'
                    """)
                try transaction.execute(
                    """
                    CREATE TRIGGER slow_begin BEFORE INSERT ON job_run
                    FOR EACH ROW EXECUTE FUNCTION wait_for_test()
                    """)
            }
            let begin = try await OpenTransaction(
                "SELECT pg_advisory_xact_lock(4711)", on: cluster.database)
            try await node.scheduler.schedule(.test(.once(at: 0)))
            try await waitUntil("a claim that waits") {
                try await cluster.database.read { transaction in
                    try transaction.firstRow(
                        """
                        SELECT 1 AS found FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                        """) != nil
                }
            }
            let renewals = try await cluster.holdRenewals()
            try await node.doubt()
            try await begin.end()
            let runs = try await cluster.waitForEnds(1)
            #expect(!node.membership.isMember)
            try await renewals.end()
            #expect(runs.map(\.outcome) == [.succeeded])
            #expect(cluster.times().count == 1)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a late end of a run that is another's by now changes nothing`(engine: TestEngine) async throws {
        try await JobTestCluster.run(nodes: 2, on: engine) { cluster in
            let (first, second) = (Gate(), Gate())
            let (old, new) = (cluster.nodes[0], cluster.nodes[1])
            old.lend(until: first)
            try await new.scheduler.schedule(.test(.interval(60_000)) { $0.recovers = true })
            try await cluster.advance(by: 60_000)
            try await cluster.waitForStarts(1)
            let lost = try #require(old.running("job"))
            new.lend(until: second)
            // The others give the node up while it still runs the job.
            try await cluster.giveUp(lost.incarnation)
            try await cluster.waitForStarts(2)
            let taken = try #require(new.running("job"))
            #expect(taken.run.token > lost.run.token && taken.run.attempt == 2)
            try await cluster.expectUnchanged {
                try await old.scheduler.writeEnd(lost, .succeeded, "an old incarnation")
            }
            second.open()
            _ = try await cluster.waitForEnds(2)
            // The same node and life as the last run, with that run's token.
            let third = Gate()
            new.lend(until: third)
            try await cluster.advance(by: 60_000)
            try await cluster.waitForStarts(3)
            try await cluster.expectUnchanged {
                try await new.scheduler.writeEnd(taken, .failed, "a smaller token")
            }
            third.open()
            let runs = try await cluster.waitForEnds(3)
            #expect(runs.map(\.outcome) == [.succeeded, .succeeded, .lost])
            // What is due since long of a node that is not there is forgotten.
            try await waitUntil("the node to be back") {
                (try? old.membership.incarnation()).map { $0 > lost.incarnation } ?? false
            }
            first.open()
            try await cluster.settle()
            #expect(try await cluster.job().runs == runs)
        }
    }

    /// A node that comes back while code of its last life still runs.
    @Test(arguments: TestEngine.allCases)
    func `a lost run begins again on its own node only when its code has ended`(
        engine: TestEngine
    ) async throws {
        try await JobTestCluster.run(on: engine) { cluster in
            let gates = [Gate(), Gate()]
            let (node, record) = (cluster.nodes[0], cluster.record)
            _ = node.scheduler.addRunner(namespace: "test", name: "job") { job in
                record.add("node1 job \(job.run.fireTime)")
                await gates[min(job.run.attempt, 2) - 1].wait()
                return "\(job.run.attempt)"
            }
            try await node.scheduler.schedule(.test(.interval(60_000)) { $0.recovers = true })
            try await cluster.advance(by: 60_000)
            try await cluster.waitForStarts(1)
            let lost = try #require(node.running("job"))
            try await cluster.giveUp(lost.incarnation)
            _ = try await cluster.waitForEnds(1)
            try await cluster.settle()
            #expect(cluster.times().count == 1 && lost.isCancelled)
            gates[0].open()
            try await waitUntil("the second attempt") { cluster.times().count == 2 }
            try await cluster.settle()
            gates[1].open()
            let runs = try await cluster.waitForEnds(2)
            try await cluster.settle()
            #expect(runs.map(\.outcome) == [.succeeded, .lost] && runs.first?.message == "2")
            #expect(try await cluster.job().runs == runs)
            #expect(cluster.times().count == 2)
        }
    }
}

extension JobTestCluster {
    /// Lets no lease be renewed until the transaction ends.
    fileprivate func holdRenewals() async throws -> OpenTransaction {
        try await OpenTransaction("SELECT incarnation FROM cluster_node FOR NO KEY UPDATE", on: database)
    }

    /// What the others do with a node that is gone.
    fileprivate func giveUp(_ incarnation: NodeIncarnation) async throws {
        try await database.write { transaction in
            try transaction.execute("DELETE FROM cluster_node WHERE incarnation = ?", [.id(incarnation)])
            try transaction.notify("perigee_cluster", "removed \(incarnation)")
        }
        try await advance(by: 0)
    }

    /// Fails the test when the job's row or its runs are others after the body.
    fileprivate func expectUnchanged(_ body: () async throws -> Void) async throws {
        let before = try await state()
        try await body()
        #expect(try await state() == before)
    }

    private func state() async throws -> [String] {
        let row = try await database.write { transaction in
            try JobTable(transaction).row(JobKey(namespace: "test", name: "job", slot: ""))
        }
        return ["\(row as Any)", "\(try await job().runs)"]
    }
}

extension JobTestNode {
    /// Has the node's own thread be late, so that it is not certain of its lease before the next renewal.
    fileprivate func doubt() async throws {
        try await waitUntil("a lease in doubt") {
            if self.membership.isMember { self.bootClock.advance(by: .seconds(1)) }
            return !self.membership.isMember
        }
    }

    /// The job's run on this node.
    fileprivate func running(_ name: String) -> RunningJob? {
        scheduler.state.withLock { $0.running.values.first { $0.job.name == name }?.job }
    }
}
