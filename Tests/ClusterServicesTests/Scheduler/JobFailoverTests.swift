import ClusterServices
import ClusterTestKit
import NodeTestKit
import Portable
import SharedDatabase
import Testing

@Suite struct JobFailoverTests {
    @Test(arguments: TestEngine.allCases)
    func `nodes that register almost the same job at once give it one run`(engine: TestEngine) async throws {
        try await JobTestCluster.run(nodes: 5, on: engine, clock: .running) { cluster in
            for node in cluster.nodes { node.lend() }
            let database = cluster.database
            for round in 1...200 {
                let now = try await database.read { try $0.now() }
                try await withThrowingTaskGroup { group in
                    for (index, node) in cluster.nodes.enumerated() {
                        let shift = Int64(index % 3 - 1)
                        let schedule: JobSchedule =
                            switch round % 4 {
                            case 0: .interval(3_600_000 + shift, first: .after(0))
                            case 1: .interval(3_600_000, first: .at(now + 5 + shift))
                            case 2: .interval(3_600_000, first: .at(now + shift))
                            default: .once(at: now + 5 + shift)
                            }
                        group.addTask {
                            try await node.scheduler.schedule(
                                .test("job-\(round)", schedule) { $0.runner = "job" })
                        }
                    }
                    try await group.waitForAll()
                }
            }
            try await cluster.waitForStarts(200)
            try await cluster.settle()
            for round in 1...200 { #expect(cluster.times("job-\(round)").count == 1, "round \(round)") }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a run whose node dies is lost, and started again where the job asks for it`(
        engine: TestEngine
    ) async throws {
        try await JobTestCluster.run(nodes: 2, on: engine, lease: .seconds(1)) { cluster in
            let gate = Gate()
            let victim = cluster.nodes[0]
            for name in ["again", "never"] { victim.lend(name, until: gate) }
            try await victim.scheduler.schedule(
                .test("again", .interval(60_000)) { $0.recovers = true })
            try await victim.scheduler.schedule(.test("never", .interval(60_000)))
            try await cluster.advance(by: 60_000)
            try await cluster.waitForStarts(2)
            await victim.kill()
            for name in ["again", "never"] { cluster.nodes[1].lend(name) }
            let runs = try await cluster.waitForEnds(2, of: "again")
            #expect(runs.map(\.outcome) == [.succeeded, .lost])
            #expect(runs.map(\.nodeID) == ["node2", "node1"])
            #expect(runs.map(\.attempt) == [2, 1] && runs.map(\.reason) == [.recovered, .schedule])
            #expect(runs[0].token > runs[1].token && runs[0].fireTime == runs[1].fireTime)
            #expect(try await cluster.waitForEnds(1, of: "never").map(\.outcome) == [.lost])
            cluster.clock.advance(by: 60_000)
            try await cluster.nodes[1].database.notify("perigee_jobs", "")
            #expect(try await cluster.waitForEnds(2, of: "never").map(\.outcome) == [.succeeded, .lost])
            gate.open()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a node that is cut off tells its runs to stop and starts nothing`(
        engine: TestEngine
    ) async throws {
        try await JobTestCluster.run(on: engine, lease: .seconds(1)) { cluster in
            let (told, began) = (Gate(), Record())
            let node = cluster.nodes[0]
            _ = node.scheduler.addRunner(namespace: "test", name: "job") { job in
                began.add("\(job.isCancelled)")
                try await waitUntil("the run is told to stop") { job.isCancelled }
                told.open()
                return nil
            }
            try await node.scheduler.schedule(.test(.interval(1_000)))
            try await cluster.advance(by: 1_000)
            await began.wait(for: 1)
            #expect(began.all == ["false"])
            await node.database.close()
            await told.wait()
            cluster.clock.advance(by: 10_000)
            #expect(!node.membership.isMember)
            #expect(began.all.count == 1)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a node that stops tells its runs, and another one starts them again`(
        engine: TestEngine
    ) async throws {
        try await JobTestCluster.run(nodes: 2, on: engine) { cluster in
            let record = cluster.record
            _ = cluster.nodes[0].scheduler.addRunner(namespace: "test", name: "job") { job in
                record.add("node1 job \(job.run.fireTime)")
                try await waitUntil("the run is told to stop") { job.isCancelled }
                return "stopped"
            }
            try await cluster.nodes[1].scheduler.schedule(.test(.interval(1_000)) { $0.recovers = true })
            try await cluster.advance(by: 1_000)
            try await cluster.waitForStarts(1)
            cluster.nodes[1].lend()
            await cluster.nodes[0].scheduler.stop(within: .seconds(30))
            let runs = try await cluster.waitForEnds(2)
            #expect(runs.map(\.outcome) == [.succeeded, .cancelled])
            #expect(runs.map(\.message) == ["on node2", "stopped"])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a runner that ends starts nothing more, and an older one of its name goes on`(
        engine: TestEngine
    ) async throws {
        try await JobTestCluster.run(on: engine) { cluster in
            let node = cluster.nodes[0]
            let record = Record()
            node.lend()
            let newer = node.scheduler.addRunner(namespace: "test", name: "job") { _ in
                record.add("newer")
                return nil
            }
            try await node.scheduler.schedule(.test(.interval(1_000)))
            try await cluster.advance(by: 1_000)
            _ = try await cluster.waitForEnds(1)
            newer.cancel()
            try await cluster.advance(by: 1_000)
            _ = try await cluster.waitForEnds(2)
            #expect(record.all == ["newer"] && cluster.times() == [TestClock.start + 2_000])
            node.scheduler.release(namespace: "test")
            try await cluster.advance(by: 1_000)
            try await cluster.settle()
            #expect(cluster.times().count == 1)
        }
    }

    @Test func `jobs that a node wants are registered once it can ask the database`() async throws {
        try await JobTestCluster.run(on: .sqlite, clock: .running) { cluster in
            let scheduler = cluster.nodes[0].scheduler
            cluster.nodes[0].lend()
            try scheduler.want(.test(.interval(3_600_000, first: .after(0))))
            _ = try await cluster.waitForEnds(1)
            #expect(throws: JobError.self) { try scheduler.want(.test(.interval(1))) }
        }
    }
}
