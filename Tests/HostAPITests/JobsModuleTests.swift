import ClusterServices
import Foundation
import HostAPI
import Hosting
import NodeTestKit
import PluginHost
import Portable
import Testing

@Suite struct JobsModuleTests {
    private static func server(
        _ main: String, permissions: String = #"{"jobs": ["work"], "events": ["x:run"], "kv": "1MiB"}"#
    ) async throws -> TestServer {
        try await TestServer(mains: ["a.x": (permissions, main)])
    }

    private func publish(_ server: TestServer, _ payload: PortableValue = [:]) async throws {
        let event = Event(key: "x:run", payload: payload, id: UUID().uuidString)
        if let failure = await server.bus.publish(event).delivery().failures.first { throw failure.error }
    }

    private func stored(_ server: TestServer, _ key: String) async throws -> PortableValue? {
        try await server.kv.fetchValue(namespace: "plugin/a.x", key: key)?.value
    }

    private func job(_ server: TestServer, _ name: String) async throws -> JobStatus? {
        try await server.cluster.jobs?.fetchJobs(namespace: "a.x", name: name).first
    }

    @Test func `a job runs with what it is told, and what it says is kept`() async throws {
        let server = try await Self.server(
            """
            perigee.jobs.every("work", "1h", { first_run = "0s", data = { n = 1 } }, function(job)
              perigee.kv.put("seen", {
                name = job.name, reason = job.reason, attempt = job.attempt, data = job.data,
                cancelled = job:cancelled(), token = job.token > 0, late = perigee.time.now() - job.fire_time,
              })
              return "done"
            end)
            perigee.events.on("x:run", function()
              perigee.kv.put("status", perigee.jobs.status("work"))
              local missing, err = perigee.jobs.status("other")
              perigee.kv.put("missing", { missing == nil, err.code })
              perigee.kv.put("run", { perigee.jobs.run_now("work") })
            end)
            """)
        try await waitUntil("the run") { try await self.job(server, "work")?.lastRun?.outcome == .succeeded }
        let seen = try #require(try await stored(server, "seen"))
        #expect(seen["name"] == "work" && seen["reason"] == "schedule" && seen["attempt"] == 1)
        #expect(seen["data"] == ["n": 1] && seen["cancelled"] == false && seen["token"] == true)
        #expect(try await job(server, "work")?.lastRun?.message == "done")
        try await publish(server)
        let status = try #require(try await stored(server, "status"))
        #expect(status["schedule"] == "every 3600000 after 0" && status["mode"] == "once_per_cluster")
        #expect(status["last_run"]?["outcome"] == "succeeded" && status["last_run"]?["node"] == "test")
        #expect(try await stored(server, "missing") == [true, "not_found"])
        #expect(try await stored(server, "run") == [true])
        try await waitUntil("the second run") {
            try await self.job(server, "work")?.lastRun?.reason == .manual
        }
        await server.stop()
    }

    @Test func `what a job raises or returns as an error is its failure`() async throws {
        let server = try await Self.server(
            """
            perigee.jobs.runner("work", function(job)
              if job.data.raise then error("no luck") end
              return nil, { code = "conflict", message = "not now" }
            end)
            perigee.events.on("x:run", function()
              for _, raise in ipairs({ true, false }) do
                assert(perigee.jobs.once("once-" .. tostring(raise), 0,
                  { runner = "work", data = { raise = raise } }))
              end
            end)
            """)
        try await publish(server)
        try await waitUntil("the failures") {
            let raised = try await self.job(server, "once-true")?.lastRun
            let returned = try await self.job(server, "once-false")?.lastRun
            return raised?.outcome == .failed && raised?.message?.contains("main.lua:2: no luck") == true
                && returned?.outcome == .failed && returned?.message == "not now"
        }
        await server.stop()
    }

    @Test func `a plugin that ends tells its jobs to stop, and its schedule stays`() async throws {
        let server = try await Self.server(
            """
            local options = { timezone = "Europe/Berlin", recover = true }
            perigee.jobs.cron("work", "* * * * * ?", options, function(job)
              perigee.kv.put("running", true)
              while not job:cancelled() do perigee.kv.get("running") end
              return "stopped"
            end)
            """)
        try await waitUntil("the run") { try await self.stored(server, "running") == true }
        try await server.plugins.disable("a.x")
        try await waitUntil("the end") { try await self.job(server, "work")?.lastRun?.outcome == .cancelled }
        #expect(try await job(server, "work")?.isPending == true)
        try await server.plugins.enable("a.x")
        try await waitUntil("the next run") { try await self.job(server, "work")?.running?.attempt == 2 }
        await server.stop()
    }

    @Test(arguments: [
        (#"perigee.jobs.every("work", "1h", nil)"#, "a function, or a 'runner' in the options, is expected"),
        (
            #"perigee.jobs.every("other", "1h", nil, function() end)"#,
            #"needs "jobs": ["other"] in plugin.json"#
        ),
        (
            #"perigee.jobs.every("work", "1x", nil, function() end)"#,
            "(a duration from '1s' to '10000d' is expected)"
        ),
        (
            #"perigee.jobs.every("work", 10, nil, function() end)"#,
            "(a duration from '1s' to '10000d' is expected)"
        ),
        (
            #"perigee.jobs.every("work", "1h", { mode = "twice" }, function() end)"#,
            "mode: invalid option 'twice'; known are once_per_cluster, every_node"
        ),
        (#"perigee.jobs.every("work", "1h", { jiter = "1s" }, function() end)"#, "did you mean 'jitter'?"),
        (
            #"perigee.jobs.cron("work", "61 * * * *", nil, function() end)"#,
            #"bad argument #2 'expression' to 'perigee.jobs.cron' (cron expression "61 * * * *": minute "#
        ),
        (
            #"perigee.jobs.cron("work", "0 0 * * *", { timezone = "Mars/Olympus" }, function() end)"#,
            #"there is no time zone "Mars/Olympus""#
        ),
        (
            #"perigee.jobs.cron("work", "0 0 * * *", { first_run = "1s" }, function() end)"#,
            "first_run has no meaning here"
        ),
        (#"perigee.jobs.once("work", -1, nil, function() end)"#, "is no time in milliseconds"),
        (
            #"perigee.jobs.runner("work", function() end, { timeout = "2d" })"#,
            "timeout: a duration up to 1d is expected"
        ),
    ])
    func `what is no job is refused with what is expected`(main: String, expected: String) async throws {
        let server = try await Self.server(main)
        let reason = await server.plugins.detail("a.x")?.summary.state.reason ?? ""
        #expect(reason.contains(expected), "\(reason)")
        await server.stop()
    }

    @Test func `jobs that are scheduled later need a registered runner`() async throws {
        let server = try await Self.server(
            """
            perigee.events.on("x:run", function()
              local ok, message = pcall(perigee.jobs.every, "work", "1h", nil, function() end)
              perigee.kv.put("message", { ok, message })
            end)
            """)
        try await publish(server)
        let message = try #require(try await stored(server, "message"))
        #expect(message[0] == false)
        #expect(message[1]?.stringValue?.contains("register it with perigee.jobs.runner there") == true)
        await server.stop()
    }

    @Test func `the nightly count counts when it is asked to`() async throws {
        let server = try await TestServer(folders: ["sdk/examples/nightly-count"])
        let id = "com.example.nightly-count"
        _ = try await server.makeRepository()
        let jobs = try #require(server.cluster.jobs)
        try await waitUntil("the job") { try await !jobs.fetchJobs(namespace: id).isEmpty }
        try await jobs.runNow(namespace: id, name: "count")
        let run: JobRun = try await waitFor("the run") {
            try await jobs.fetchJobs(namespace: id, name: "count").first?.lastRun
        }
        #expect(run.outcome == .succeeded && run.message == "1 repositories", "\(run)")
        #expect(try await server.kv.fetchValue(namespace: "plugin/\(id)", key: "count")?.value == 1)
        await server.stop()
    }
}
