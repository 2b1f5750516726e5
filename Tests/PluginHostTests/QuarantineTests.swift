import ClusterServices
import Logging
import Portable
import SharedDatabase
import Testing

@testable import PluginHost

@Suite struct QuarantineTests {
    private static let spinning = """
        perigee.test.on("x:y", function(event)
          perigee.test.say(event.n)
          if event.n > 0 then while true do end end
        end)
        """

    private var ceilings: PluginCeilings {
        var ceilings = PluginCeilings()
        ceilings.handlerCPU = .milliseconds(30)
        return ceilings
    }

    private func host(
        _ main: String = spinning, manifest: String = "", ceilings: PluginCeilings? = nil
    ) async throws -> TestHost {
        try await TestHost(ceilings: ceilings ?? self.ceilings) { folder in
            try folder.write("a.x", main: main, manifest: manifest)
            try folder.write(
                "b.good", main: "perigee.test.on('x:z', function() perigee.test.say('good') end)")
        }
    }

    /// A host of another node on the same database and folders.
    private func otherNode(of test: TestHost, bus: EventBus = EventBus()) -> PluginHost {
        var configuration = PluginHostConfiguration(
            firstPartyDirectory: nil, installedDirectory: test.installed.path, ceilings: ceilings)
        configuration.node = "other"
        configuration.watchInterval = .milliseconds(20)
        return PluginHost(
            configuration: configuration, database: test.database, events: bus, modules: test.tests.modules,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func eventually(_ what: Comment, _ condition: () async -> Bool) async {
        let deadline = ContinuousClock.now.advanced(by: .seconds(30))
        while await !condition() {
            guard ContinuousClock.now < deadline else {
                Issue.record(what)
                return
            }
            await Task.yield()
        }
    }

    private func spin(_ test: TestHost, times: Int64 = 3) async {
        for number in 1...times { _ = await test.publish("x:y", ["n": .integer(number)]) }
    }

    /// Tables that weakly name each other, in no order, keep the collector in one C function.
    @Test func `a run that takes its state with it is the last one at once`() async throws {
        var ceilings = ceilings
        ceilings.handlerCPU = .milliseconds(500)
        let main = """
            perigee.test.on("x:y", function()
              local keys, order, tables, weak = {}, {}, {}, {__mode = "k"}
              for i = 1, 60001 do keys[i], order[i] = {}, i end
              for i = 60000, 2, -1 do
                local j = math.random(i)
                order[i], order[j] = order[j], order[i]
              end
              for i = 1, 60000 do tables[i] = setmetatable({[keys[order[i]]] = keys[order[i] + 1]}, weak) end
              local first = keys[1]
              keys, order = nil, nil
              while true do local garbage = {first} end
            end)
            """
        let test = try await host(main, ceilings: ceilings)
        _ = await test.publish("x:y", ["n": 1])
        await eventually("no quarantine") { await test.state("a.x")?.quarantine != nil }
        #expect(await test.state("a.x")?.quarantine?.reason.contains("its Lua state with it") == true)
        _ = await test.publish("x:z")
        #expect(test.tests.said == ["good"])
        await test.host.stop()
    }

    @Test func `the third ended run in a minute is the last one`() async throws {
        let test = try await host()
        await spin(test, times: 2)
        _ = await test.publish("x:y", ["n": 0])
        #expect(await test.state("a.x") == .enabled)
        await spin(test, times: 1)
        await eventually("no quarantine") { await test.state("a.x")?.quarantine != nil }
        _ = await test.publish("x:y", ["n": 0])
        _ = await test.publish("x:z")
        #expect(test.tests.said == [1, 2, 0, 1, "good"])
        let detail = try #require(await test.host.detail("a.x"))
        #expect(detail.summary.portable["state"] == "quarantined")
        #expect(
            await test.reason("a.x").hasPrefix(
                "3 runs were ended within 1m (3 timeout); the last one used up"))
        #expect((detail.summary.portable["quarantinedSince"]?.integerValue ?? 0) > 0)
        #expect(detail.statistics.kills == ["timeout": 3])
        #expect(detail.statistics.runs == 4)
        await eventually("its memory is back") { await test.host.detail("a.x")?.statistics.heapBytes == 0 }
        #expect(detail.statistics.cpuNanoseconds >= 60_000_000)
        await test.stop()
    }

    @Test func `memory counts as CPU time does, and what a plugin raises itself does not`() async throws {
        let hungry = """
            local all = {}
            perigee.test.on("x:y", function(event)
              if event.n == 0 then error("mine") end
              for i = 1, 1e7 do all[i % 1000] = { all, ("x"):rep(1000) .. i } all[#all + 1] = {} end
            end)
            """
        let test = try await host(hungry, manifest: #""limits": {"memory": "1MiB"}"#)
        for _ in 1...5 { _ = await test.publish("x:y", ["n": 0]) }
        #expect(await test.state("a.x") == .enabled)
        await spin(test)
        await eventually("no quarantine") { await test.state("a.x")?.quarantine != nil }
        await test.stop()
    }

    @Test func `an operator may allow more, or switch quarantine off`() async throws {
        var ceilings = ceilings
        ceilings.killsMax = 0
        let test = try await host(ceilings: ceilings)
        await spin(test, times: 5)
        #expect(test.tests.said.count == 5)
        #expect(await test.state("a.x") == .enabled)
        await test.stop()
    }

    @Test func `ended runs count no longer than the window`() {
        var window = KillWindow(killsMax: 3, length: .seconds(60))
        let start = ContinuousClock.now
        let at = { (second: Int) in start.advanced(by: .seconds(second)) }
        #expect(window.add("timeout", detail: "x", now: at(0)) == nil)
        #expect(window.add("timeout", detail: "x", now: at(30)) == nil)
        #expect(window.add("memory", detail: "x", now: at(61)) == nil)
        #expect(
            window.add("memory", detail: "was ended", now: at(89))
                == "3 runs were ended within 1m (2 memory, 1 timeout); the last one was ended")
        window.clear()
        #expect(window.add("timeout", detail: "x", now: at(90)) == nil)
    }

    @Test func `a quarantine holds over restarts and reloads until it is released`() async throws {
        let test = try await host()
        await spin(test)
        await eventually("no quarantine") { await test.state("a.x")?.quarantine != nil }
        try test.installed.write(
            "a.x", main: "perigee.test.on('x:y', function() perigee.test.say('new') end)")
        try await test.host.reload("a.x")
        try await test.host.enable("a.x")
        #expect(await test.state("a.x")?.quarantine != nil)
        await test.host.stop()

        let again = otherNode(of: test, bus: test.bus)
        await again.start()
        #expect(await again.detail("a.x")?.summary.state.name == "quarantined")
        #expect(await again.detail("b.good")?.summary.state == .enabled)
        try await again.release("a.x", by: "somebody")
        #expect(await again.detail("a.x")?.summary.state == .enabled)
        _ = await test.publish("x:y", ["n": 1])
        await test.tests.waitUntilSaid(4)
        #expect(test.tests.said.last == "new")
        await #expect(throws: PluginHostError.notQuarantined(id: "a.x")) {
            try await again.release("a.x", by: "somebody")
        }
        await again.stop()
        await test.database.close()
    }

    @Test func `every node of the database stops the plugin and starts it again`() async throws {
        let test = try await host()
        let other = otherNode(of: test)
        await other.start()
        #expect(await other.detail("a.x")?.summary.state == .enabled)
        await spin(test)
        await eventually("the other node runs it on") {
            await other.detail("a.x")?.summary.state.quarantine != nil
        }
        #expect(await other.detail("a.x")?.summary.state == test.state("a.x"))
        try await test.host.release("a.x", by: "somebody")
        await eventually("not released on the other node") {
            await other.detail("a.x")?.summary.state == .enabled
        }
        await other.stop()
        await test.stop()
    }

    @Test(
        arguments: [
            ("", true), (#", "before_push_failure": "accept""#, false),
            (#", "repository_config": {}"#, true),
        ])
    func `a guard in quarantine lets nothing through unless its manifest says so`(
        extra: String, refuses: Bool
    ) async throws {
        let guarding = #""permissions": {"before_push": true}"# + extra
        let test = try await host(
            "perigee.test.before_push(function() while true do end end)", manifest: guarding)
        try? await test.host.setEnabled(true, plugin: "a.x", scope: .repository(7))
        let push: PortableValue = ["repository": ["id": 7]]
        for _ in 1...3 { _ = await test.host.beforePush(push) }
        await eventually("no quarantine") { await test.state("a.x")?.quarantine != nil }
        #expect(await test.host.judgesPushes == refuses)
        let judgement = await test.host.beforePush(push)
        guard refuses else {
            #expect(judgement == .accept)
            return await test.stop()
        }
        guard case .refuse("a.x", let text) = judgement else {
            Issue.record("accepted")
            return await test.stop()
        }
        #expect(text.contains("is in quarantine") && text.contains("Ask an administrator to release it"))
        if extra.contains("repository_config") {
            #expect(await test.host.beforePush(["repository": ["id": 8]]) == .accept)
        }
        try await test.host.disable("a.x")
        #expect(await test.host.beforePush(push) == .accept)
        await test.stop()
    }

    @Test func `a guard that cannot be loaded lets nothing through until it is disabled`() async throws {
        let test = try await host(
            "perigee.test.before_push(function() end) error('broken')",
            manifest: #""permissions": {"before_push": true}"#)
        guard case .refuse("a.x", let text) = await test.host.beforePush([:]) else {
            Issue.record("accepted")
            return await test.stop()
        }
        #expect(text.contains("could not be started") && !text.contains("broken"))
        try await test.host.disable("a.x")
        #expect(await test.host.beforePush([:]) == .accept)
        await test.stop()
    }

    @Test func `a run that waits for the host when its plugin is quarantined never goes on`() async throws {
        let test = try await host(
            """
            perigee.test.before_push(function(push)
              if push.spin then while true do end end
              perigee.test.say("waits")
              perigee.test.wait("gate")
              perigee.test.say("went on")
            end)
            """, manifest: #""permissions": {"before_push": true}"#)
        async let waiting = test.host.beforePush([:])
        await test.tests.waitUntilSaid(1)
        for _ in 1...3 { _ = await test.host.beforePush(["spin": true]) }
        guard case .refuse("a.x", let text) = await waiting else {
            Issue.record("accepted")
            return await test.stop()
        }
        #expect(text.contains("it was stopped"))
        test.tests.open("gate")
        _ = await test.publish("x:z")
        #expect(test.tests.said == ["waits", "good"])
        #expect(await test.host.detail("a.x")?.statistics.heapBytes == 0)
        await test.stop()
    }
}
