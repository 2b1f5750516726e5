import ClusterServices
import ClusterTestKit
import NodeTestKit
import Portable
import Testing

@Suite struct JobSchedulerTests {
    private let start = TestClock.start

    @Test(arguments: TestEngine.allCases)
    func `a job of the cluster runs once for each of its times, on a node that has its runner`(
        engine: TestEngine
    ) async throws {
        try await JobTestCluster.run(nodes: 3, on: engine) { cluster in
            for node in cluster.nodes.dropFirst() { node.lend() }
            for node in cluster.nodes { try await node.scheduler.schedule(.test(.interval(60_000))) }
            for count in 1...10 {
                try await cluster.advance(by: 60_000)
                _ = try await cluster.waitForEnds(count)
            }
            try await cluster.settle()
            #expect(cluster.times() == (1...10).map { start + $0 * 60_000 })
            #expect(!cluster.record.all.contains { $0.hasPrefix("node1 job") })
            let runs = try await cluster.job().runs
            #expect(runs.allSatisfy { $0.outcome == .succeeded && $0.message == "on \($0.nodeID)" })
            #expect(runs.map(\.token) == runs.map(\.token).sorted(by: >))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a job of every node runs on each of them for each time`(engine: TestEngine) async throws {
        try await JobTestCluster.run(nodes: 2, on: engine) { cluster in
            for node in cluster.nodes {
                node.lend()
                try await node.scheduler.schedule(.test(.interval(1_000)) { $0.mode = .everyNode })
            }
            for count in 1...3 {
                try await cluster.advance(by: 1_000)
                try await cluster.waitForStarts(count * 2)
                try await waitUntil("the runs have ended") {
                    try await cluster.nodes[0].scheduler.fetchJobs(namespace: "test", name: "job")
                        .allSatisfy { $0.running == nil && $0.lastRun != nil }
                }
            }
            let expected = (1...3).flatMap { time in
                ["node1", "node2"].map { "\($0) job \(start + Int64(time) * 1_000)" }
            }
            #expect(cluster.record.all.sorted() == expected.sorted())
            try await cluster.nodes[0].scheduler.runNow(namespace: "test", name: "job")
            try await cluster.waitForStarts(8)
            #expect(cluster.record.all.suffix(2).map { $0.prefix(5) }.sorted() == ["node1", "node2"])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `an equal schedule keeps the next run, a different one replaces it and adds none`(
        engine: TestEngine
    ) async throws {
        try await JobTestCluster.run(on: engine) { cluster in
            let scheduler = cluster.nodes[0].scheduler
            cluster.nodes[0].lend()
            #expect(try await scheduler.schedule(.test(.interval(60_000, first: .after(0)))) == .created)
            _ = try await cluster.waitForEnds(1)
            try await cluster.advance(by: 10_000)
            #expect(try await scheduler.schedule(.test(.interval(60_000, first: .after(0)))) == .unchanged)
            #expect(try await cluster.job().nextRun == start + 60_000)
            let withData = JobDefinition.test(.interval(60_000, first: .after(0))) { $0.data = ["n": 1] }
            #expect(try await scheduler.schedule(withData) == .adjusted)
            #expect(try await cluster.job().nextRun == start + 60_000)
            #expect(try await cluster.job().data == ["n": 1])
            for (schedule, next) in [
                (JobSchedule.interval(60_001, first: .after(0)), start + 60_001),
                (.interval(59_999, first: .at(start + 1)), start + 1 + 59_999),
                (.interval(4_000), start + 12_000), (try .cron("0 * * * *"), start + 3_600_000),
            ] {
                #expect(try await scheduler.schedule(.test(schedule)) == .replaced)
                #expect(try await cluster.job().nextRun == next, "\(schedule)")
            }
            try await cluster.settle()
            #expect(cluster.times() == [start])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `times that were missed are made up for by one run, or by none`(engine: TestEngine) async throws {
        try await JobTestCluster.run(on: engine) { cluster in
            let scheduler = cluster.nodes[0].scheduler
            try await scheduler.schedule(.test("once", .interval(1_000)))
            try await scheduler.schedule(.test("skip", .interval(1_000)) { $0.misfire = .skip })
            try await scheduler.schedule(.test("cron", .cron("* * * * * ?", zone: "UTC")))
            try await cluster.advance(by: 3_600_500)
            for name in ["once", "skip", "cron"] { cluster.nodes[0].lend(name) }
            for name in ["once", "cron"] { _ = try await cluster.waitForEnds(1, of: name) }
            #expect(cluster.times("once") == [start + 1_000])
            #expect(cluster.times("cron") == [start + 1_000])
            try await waitUntil("the missed times are left out") {
                try await cluster.job("skip").nextRun == self.start + 3_601_000
            }
            try await cluster.advance(by: 500)
            try await cluster.waitForStarts(5)
            #expect(cluster.times("once") == [start + 1_000, start + 3_601_000])
            #expect(cluster.times("cron") == [start + 1_000, start + 3_601_000])
            #expect(cluster.times("skip") == [start + 3_601_000])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a clock set forward gives each job one run, one set back gives none again`(
        engine: TestEngine
    ) async throws {
        try await JobTestCluster.run(nodes: 2, on: engine) { cluster in
            for node in cluster.nodes { node.lend() }
            try await cluster.nodes[0].scheduler.schedule(.test(.interval(1_000)))
            try await cluster.advance(by: 1_000)
            _ = try await cluster.waitForEnds(1)
            try await cluster.advance(by: 3_600_000)
            _ = try await cluster.waitForEnds(2)
            try await cluster.advance(by: -3_600_000)
            try await cluster.settle()
            #expect(cluster.times() == [start + 1_000, start + 2_000])
            try await cluster.advance(by: 3_601_000)
            _ = try await cluster.waitForEnds(3)
            #expect(cluster.times() == [start + 1_000, start + 2_000, start + 3_602_000])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `times that come while a job runs are left out, or make one more run`(
        engine: TestEngine
    ) async throws {
        try await JobTestCluster.run(nodes: 2, on: engine) { cluster in
            let gate = Gate()
            for node in cluster.nodes {
                node.lend("skip", until: gate)
                node.lend("queue", until: gate)
            }
            let scheduler = cluster.nodes[0].scheduler
            try await scheduler.schedule(.test("skip", .interval(1_000)))
            try await scheduler.schedule(.test("queue", .interval(1_000)) { $0.overlap = .queue })
            try await cluster.advance(by: 1_000)
            try await cluster.waitForStarts(2)
            for count in 1...3 {
                try await cluster.advance(by: 1_000)
                try await waitUntil("the time is passed over") {
                    let (skip, queue) = (try await cluster.job("skip"), try await cluster.job("queue"))
                    return skip.skipped == Int64(count) && queue.isPending
                        && queue.nextRun == self.start + Int64(count + 2) * 1_000
                }
            }
            gate.open()
            try await cluster.waitForStarts(3)
            try await cluster.settle()
            #expect(cluster.times("skip") == [start + 1_000])
            #expect(cluster.times("queue") == [start + 1_000, start + 2_000])
            #expect(try await cluster.job("queue").runs.map(\.reason) == [.queued, .schedule])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `somebody may have a job run now, once however often it is asked while it runs`(
        engine: TestEngine
    ) async throws {
        try await JobTestCluster.run(nodes: 2, on: engine) { cluster in
            let gate = Gate()
            cluster.nodes[1].lend(until: gate)
            let scheduler = cluster.nodes[0].scheduler
            try await scheduler.schedule(.test(.interval(3_600_000)))
            try await scheduler.runNow(namespace: "test", name: "job")
            try await cluster.waitForStarts(1)
            for _ in 1...3 { try await scheduler.runNow(namespace: "test", name: "job") }
            gate.open()
            _ = try await cluster.waitForEnds(2)
            try await cluster.settle()
            #expect(cluster.times().count == 2)
            #expect(try await cluster.job().nextRun == start + 3_600_000)
            #expect(try await cluster.job().runs.map(\.reason) == [.manual, .manual])
            await #expect(throws: JobError.noSuchJob(name: "other")) {
                try await scheduler.runNow(namespace: "test", name: "other")
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a job that is unscheduled runs no more, and its tokens go on when it comes back`(
        engine: TestEngine
    ) async throws {
        try await JobTestCluster.run(nodes: 2, on: engine) { cluster in
            let scheduler = cluster.nodes[0].scheduler
            for node in cluster.nodes { node.lend() }
            try await scheduler.schedule(.test(.interval(1_000)))
            try await cluster.advance(by: 1_000)
            let token = try #require(try await cluster.waitForEnds(1).first?.token)
            try await cluster.nodes[1].scheduler.unschedule(namespace: "test", name: "job")
            try await cluster.advance(by: 5_000)
            try await cluster.settle()
            #expect(cluster.times().count == 1)
            #expect(try await scheduler.fetchJobs(namespace: "test", name: "job").isEmpty)
            await #expect(throws: JobError.noSuchJob(name: "job")) {
                try await scheduler.unschedule(namespace: "test", name: "job")
            }
            #expect(try await scheduler.schedule(.test(.interval(1_000, first: .after(0)))) == .created)
            #expect(try #require(try await cluster.waitForEnds(2).first).token > token)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `how runs ended is kept, of the last 20 of each job`(engine: TestEngine) async throws {
        struct Broken: Error {}
        try await JobTestCluster.run(on: engine) { cluster in
            let scheduler = cluster.nodes[0].scheduler
            _ = scheduler.addRunner(namespace: "test", name: "job") { job in
                if job.run.token % 2 == 0 { throw Broken() }
                return String(repeating: "é", count: 2_000)
            }
            try await scheduler.schedule(.test(.interval(1_000)))
            var last: JobRun?
            for _ in 1...25 {
                try await cluster.advance(by: 1_000)
                let before = last?.token ?? 0
                let next: JobRun = try await waitFor("the run") {
                    let run = try await cluster.job().lastRun
                    return run.map { $0.token > before } ?? false ? run : nil
                }
                last = next
            }
            let runs = try await cluster.job().runs
            #expect(runs.count == 20)
            #expect(runs.allSatisfy { $0.outcome == ($0.token % 2 == 0 ? .failed : .succeeded) })
            #expect(runs.first { $0.outcome == .failed }?.message == "Broken()")
            #expect(runs.first { $0.outcome == .succeeded }?.message?.utf8.count == 1_000)
            #expect(runs.first?.startedAt == start + 25_000 && runs.first?.endedAt == start + 25_000)
        }
    }

    @Test func `jobs with a jitter keep apart, each always by the same`() async throws {
        try await JobTestCluster.run(on: .sqlite) { cluster in
            let scheduler = cluster.nodes[0].scheduler
            try await cluster.advance(by: 120_000)
            var offsets: Set<Int64> = []
            for number in 1...20 {
                let name = "job\(number)"
                let definition = JobDefinition.test(name, try .cron("0 * * * *")) { $0.jitter = 60_000 }
                try await scheduler.schedule(definition)
                let next = try #require(try await cluster.job(name).nextRun)
                #expect((0...60_000).contains(next - start - 3_600_000))
                offsets.insert(next - start)
                try await scheduler.unschedule(namespace: "test", name: name)
                try await scheduler.schedule(definition)
                #expect(try await cluster.job(name).nextRun == next)
            }
            #expect(offsets.count > 15)
        }
    }

    @Test func `what cannot be scheduled is refused`() async throws {
        try await JobTestCluster.run(on: .sqlite, { $0.namespaceJobsMax = 3 }) { cluster in
            let scheduler = cluster.nodes[0].scheduler
            for definition in [
                JobDefinition.test("", .interval(1_000)), .test("a\0b", .interval(1_000)),
                .test(String(repeating: "x", count: 201), .interval(1_000)), .test(.interval(99)),
                .test(.interval(.max)), .test(.interval(1_000, first: .after(-1))),
                .test(.interval(1_000, first: .at(.max))), .test(.once(at: -1)), .test(.once(at: .max)),
                .test(.interval(1_000)) { $0.jitter = -1 }, .test(try .cron("0 0 0 1 1 ? 2020")),
                .test(.interval(1_000)) { $0.data = .string(String(repeating: "x", count: 300_000)) },
            ] {
                await #expect(throws: JobError.self, "\(definition)") {
                    try await scheduler.schedule(definition)
                }
            }
            for name in ["a", "b", "c", "a"] { try await scheduler.schedule(.test(name, .interval(1_000))) }
            await #expect(throws: JobError.tooManyJobs(limit: 3)) {
                try await scheduler.schedule(.test("d", .interval(1_000)))
            }
        }
    }
}
