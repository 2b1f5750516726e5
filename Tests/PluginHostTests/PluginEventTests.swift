import ClusterServices
import Logging
import PluginHost
import Portable
import Testing

@Suite struct PluginEventTests {
    @Test func `events reach their handlers in order and publishing waits for them`() async throws {
        let test = try await TestHost { folder in
            try folder.write(
                "a.x",
                main: """
                    perigee.test.on("x:y", function(event) perigee.test.say("a" .. event.n) end)
                    perigee.test.on("x:y", function(event) perigee.test.say("b" .. event.n) end)
                    perigee.test.on("x:other", function() perigee.test.say("other") end)
                    """)
        }
        for number in 1...3 {
            let delivery = await test.publish("x:y", ["n": .integer(Int64(number))])
            #expect(delivery.delivered == 1)
            #expect(test.tests.said.count == number * 2)
        }
        #expect(test.tests.said == ["a1", "b1", "a2", "b2", "a3", "b3"])
        #expect(await test.host.detail("a.x")?.statistics.runs == 6)
        await test.stop()
    }

    @Test func `a handler that fails is reported and keeps nobody from the event`() async throws {
        let test = try await TestHost { folder in
            try folder.write(
                "a.bad",
                main: """
                    perigee.test.on("x:y", function() error("no") end)
                    perigee.test.on("x:y", function() perigee.test.say("second handler") end)
                    """)
            try folder.write("a.endless", main: "perigee.test.on('x:y', function() while true do end end)")
            try folder.write(
                "b.good", main: "perigee.test.on('x:y', function() perigee.test.say('good') end)")
        }
        let delivery = await test.publish("x:y")
        #expect(delivery.failures.map(\.name) == ["plugin a.bad", "plugin a.endless"])
        #expect(test.tests.said.contains("second handler") && test.tests.said.contains("good"))
        #expect(await test.host.detail("a.bad")?.statistics.failures == 1)
        #expect(await test.host.detail("a.endless")?.statistics.kills["timeout"] == 1)
        #expect(await test.state("a.endless") == .enabled)
        await test.stop()
    }

    @Test func `a handler that waits too long is given up`() async throws {
        var ceilings = PluginCeilings()
        ceilings.eventWait = .milliseconds(50)
        let test = try await TestHost(ceilings: ceilings) { folder in
            try folder.write("a.x", main: "perigee.test.on('x:y', function() perigee.test.wait('never') end)")
        }
        let delivery = await test.publish("x:y")
        #expect(delivery.failures.count == 1)
        #expect(delivery.failures.first.map { "\($0.error)" } == "plugin \"a.x\" did not answer within 50ms")
        await test.stop()
    }

    @Test func `a plugin hears its own events without waiting for itself`() async throws {
        let test = try await TestHost { folder in
            try folder.write(
                "a.x",
                main: """
                    perigee.test.on("x:y", function()
                      perigee.test.say(perigee.test.publish("a.x:done", { n = 1 }))
                    end)
                    perigee.test.on("a.x:done", function(event) perigee.test.say(event.n) end)
                    """)
        }
        _ = await test.publish("x:y")
        await test.tests.waitUntilSaid(2)
        #expect(test.tests.said == [true, 1])
        await test.stop()
    }

    @Test func `long lists in an event are cut with their true length`() async throws {
        let test = try await TestHost { folder in
            try folder.write(
                "a.x",
                main: """
                    perigee.test.on("x:y", function(event)
                      perigee.test.say({ #event.changes, event.truncated.changes })
                    end)
                    """)
        }
        let changes = (0..<20_000).map { PortableValue.map(["refId": .string("refs/heads/branch-\($0)")]) }
        let delivery = await test.publish("x:y", ["changes": .list(changes)])
        #expect(delivery.failures.isEmpty)
        #expect(test.tests.said == [[5_000, 20_000]])
        await test.stop()
    }

    @Test
    func `what a start handler publishes is heard by the plugin itself, also after an enable or a reload`()
        async throws
    {
        let main = { (version: Int) in
            """
            perigee.test.on("a.x:ready", function(event) perigee.test.say({ \(version), event.n }) end)
            perigee.test.on_start(function() perigee.test.publish("a.x:ready", { n = \(version) }) end)
            """
        }
        let test = try await TestHost { folder in
            try folder.write("a.x", main: main(1))
            try folder.write(
                "b.other",
                main: "perigee.test.on('a.x:ready', function(event) perigee.test.say('other' .. event.n) end)"
            )
        }
        await test.tests.waitUntilSaid(2)
        try await test.host.disable("a.x")
        try await test.host.enable("a.x")
        await test.tests.waitUntilSaid(4)
        try test.installed.write("a.x", main: main(2))
        try await test.host.reload("a.x")
        await test.tests.waitUntilSaid(6)
        let said = test.tests.said
        #expect(said.filter { $0.listValue != nil } == [[1, 1], [1, 1], [2, 2]])
        #expect(said.filter { $0.stringValue != nil } == ["other1", "other1", "other2"])
        // One that cannot be started has not said anything either.
        try test.installed.write("a.x", main: main(3) + "\nperigee.test.on_start(function() error('no') end)")
        await #expect(throws: PluginHostError.self) { try await test.host.reload("a.x") }
        _ = await test.publish("a.x:ready", ["n": 9])
        #expect(test.tests.said.dropFirst(6).contains([2, 9]))
        #expect(!test.tests.said.contains("other3"))
        await test.stop()
    }

    @Test func `what is published before a plugin serves has a limit in bytes`() async throws {
        let test = try await TestHost { folder in
            try folder.write(
                "a.x",
                main: """
                    local taken, seen, text = 0, 0, ("x"):rep(200000)
                    perigee.test.on("a.x:big", function()
                      seen = seen + 1
                      if seen == taken then perigee.test.say(seen) end
                    end)
                    perigee.test.on_start(function() perigee.test.say(taken) end)
                    for _ = 1, 120 do
                      if perigee.test.publish("a.x:big", { text = text }) then taken = taken + 1 end
                    end
                    """)
        }
        await test.tests.waitUntilSaid(2)
        // 16 MiB of them; and each that was taken came.
        #expect(test.tests.said == [83, 83])
        await test.stop()
    }

    @Test func `disabling ends events at once and enabling brings them back`() async throws {
        let test = try await TestHost { folder in
            try folder.write(
                "a.x",
                main: """
                    perigee.test.on("x:y", function(event) perigee.test.say(event.n) end)
                    perigee.test.on_stop(function() perigee.test.say("stop") end)
                    """)
        }
        try await test.host.disable("a.x")
        #expect(await test.state("a.x") == .disabled)
        #expect(await test.publish("x:y", ["n": 1]).delivered == 0)
        #expect(test.tests.said == ["stop"])
        try await test.host.enable("a.x")
        _ = await test.publish("x:y", ["n": 2])
        #expect(test.tests.said == ["stop", 2])
        try await test.host.disable("a.x")
        let again = PluginHost(
            configuration: PluginHostConfiguration(
                firstPartyDirectory: nil, installedDirectory: test.installed.path),
            database: test.database, events: test.bus, modules: test.tests.modules,
            logger: .init(label: "test"))
        await again.start()
        #expect(await again.detail("a.x")?.summary.state == .disabled)
        await again.stop()
        await test.stop()
    }

    @Test func `a reload swaps the code while the old run ends and loses no event`() async throws {
        let test = try await TestHost { folder in
            try folder.write(
                "a.x",
                main: """
                    perigee.test.on("x:y", function(event)
                      perigee.test.say("old began")
                      perigee.test.wait("gate")
                      perigee.test.say("old ended")
                    end)
                    """)
        }
        async let first = test.publish("x:y")
        await test.tests.waitUntilSaid(1)
        try test.installed.write(
            "a.x", main: "perigee.test.on('x:y', function() perigee.test.say('new') end)")
        async let reload: Void = test.host.reload("a.x")
        async let second = test.publish("x:y")
        test.tests.open("gate")
        try await reload
        #expect(await first.failures.isEmpty)
        #expect(await second.failures.isEmpty)
        #expect(test.tests.said.prefix(2) == ["old began", "old ended"])
        #expect(test.tests.said.count == 3 || test.tests.said.count == 4)
        _ = await test.publish("x:y")
        #expect(test.tests.said.last == "new")
        await test.stop()
    }

    @Test func `a reload that fails leaves the old code serving`() async throws {
        let test = try await TestHost { folder in
            try folder.write("a.x", main: "perigee.test.on('x:y', function() perigee.test.say('old') end)")
        }
        try test.installed.write("a.x", main: "\nlocal = 1")
        await #expect(throws: PluginHostError.self) { try await test.host.reload("a.x") }
        try test.installed.write("a.x", main: "perigee.test.on_start(function() error('no start') end)")
        await #expect(throws: PluginHostError.self) { try await test.host.reload("a.x") }
        _ = await test.publish("x:y")
        #expect(test.tests.said == ["old"])
        #expect(await test.state("a.x") == .enabled)
        await test.stop()
    }

    @Test func `a reload finds new plugins and drops removed ones`() async throws {
        let test = try await TestHost { _ in }
        await #expect(throws: PluginHostError.noSuchPlugin(id: "a.x", nearest: nil)) {
            try await test.host.reload("a.x")
        }
        try test.installed.write(
            "a.x", main: "perigee.test.on('x:y', function() perigee.test.say('new') end)")
        try await test.host.reload("a.x")
        _ = await test.publish("x:y")
        #expect(test.tests.said == ["new"])
        await #expect(throws: PluginHostError.noSuchPlugin(id: "a.y", nearest: "a.x")) {
            try await test.host.enable("a.y")
        }
        try test.installed.remove("a.x")
        try await test.host.reload("a.x")
        #expect(await test.host.list().isEmpty)
        #expect(await test.publish("x:y").delivered == 0)
        await test.stop()
    }
}
