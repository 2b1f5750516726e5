import ClusterServices
import Logging
import PluginHost
import Portable
import Testing

@Suite struct PluginSettingsTests {
    private func host() async throws -> TestHost {
        try await TestHost { folder in
            try folder.write(
                "a.x",
                main: """
                    perigee.test.on("x:global", function() perigee.test.say(perigee.test.wait_for) end)
                    perigee.test.on("x:password", function() perigee.test.say(perigee.test.password) end)
                    perigee.test.on("x:repository", function(event)
                      perigee.test.say(perigee.test.settings(event.id))
                    end)
                    perigee.test.on_change(function() perigee.test.say("changed") end)
                    """,
                manifest: """
                    "config": {"wait_for": {"type": "duration", "default": "1m"},
                      "token": {"type": "string", "secret": true},
                      "url": {"type": "string"},
                      "password": {"type": "string", "secret": true, "bound_to": "url"}},
                    "repository_config": {"names": {"type": "list", "default": ["main"]}}
                    """)
            try folder.write("a.plain", main: "")
        }
    }

    @Test func `settings of the server reach the running plugin`() async throws {
        let test = try await host()
        _ = await test.publish("x:global")
        try await test.host.setSettings(["wait_for": "2m", "token": "t"], plugin: "a.x", scope: .global)
        _ = await test.publish("x:global")
        #expect(try await test.host.settings(plugin: "a.x", scope: .global) == ["wait_for": "2m"])
        try await test.host.deleteSettings(plugin: "a.x", scope: .global)
        _ = await test.publish("x:global")
        #expect(test.tests.said == [60_000, "changed", 120_000, "changed", 60_000])
        await test.stop()
    }

    @Test func `settings of the server reach the other nodes`() async throws {
        let test = try await host()
        var configuration = PluginHostConfiguration(
            firstPartyDirectory: nil, installedDirectory: test.installed.path, ceilings: PluginCeilings())
        configuration.node = "other"
        configuration.watchInterval = .milliseconds(20)
        let bus = EventBus()
        let other = PluginHost(
            configuration: configuration, database: test.database, events: bus, modules: test.tests.modules,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        await other.start()
        await other.announceServing()
        try await test.host.setSettings(["wait_for": "2m"], plugin: "a.x", scope: .global)
        let deadline = ContinuousClock.now.advanced(by: .seconds(120))
        while test.tests.said.count < 2, ContinuousClock.now < deadline { await Task.yield() }
        _ = await bus.publish(Event(key: "x:global", payload: [:], id: "1")).delivery()
        #expect(test.tests.said == ["changed", "changed", 120_000])
        await other.stop()
        await test.stop()
    }

    @Test func `a password is forgotten when the address that it was given for changes`() async throws {
        let test = try await host()
        for settings: PortableValue in [
            ["url": "https://a", "password": "p"], ["url": "https://a", "wait_for": "2m"],
            ["url": "https://b"], ["url": "https://a"],
        ] {
            try await test.host.setSettings(settings, plugin: "a.x", scope: .global)
            _ = await test.publish("x:password")
        }
        #expect(test.tests.said == ["changed", "p", "changed", "p", "changed", nil, "changed", nil])
        await test.stop()
    }

    @Test func `a plugin works in a repository only once it is switched on there`() async throws {
        let test = try await host()
        let scope = PluginScope.repository(7)
        #expect(try await !test.host.isEnabled(plugin: "a.x", scope: scope))
        _ = await test.publish("x:repository", ["id": 7])
        try await test.host.setEnabled(true, plugin: "a.x", scope: scope)
        _ = await test.publish("x:repository", ["id": 7])
        try await test.host.setSettings(["names": ["dev"]], plugin: "a.x", scope: scope)
        _ = await test.publish("x:repository", ["id": 7])
        _ = await test.publish("x:repository", ["id": 8])
        #expect(try await test.host.isEnabled(plugin: "a.x", scope: scope))
        #expect(try await test.host.settings(plugin: "a.x", scope: .repository(8)) == ["names": ["main"]])
        #expect(test.tests.said == [nil, ["names": ["main"]], ["names": ["dev"]], nil])
        await test.stop()
    }

    @Test func `a deleted repository's settings are forgotten`() async throws {
        let test = try await host()
        try await test.host.setEnabled(true, plugin: "a.x", scope: .repository(7))
        _ = await test.publish("repo:deleted", repository: 7)
        #expect(try await !test.host.isEnabled(plugin: "a.x", scope: .repository(7)))
        await test.stop()
    }

    @Test func `settings that do not fit are refused and nothing is stored`() async throws {
        let test = try await host()
        let error = PluginHostError.invalidSettings(
            id: "a.x", key: "name", problem: "unknown setting; did you mean \"names\"?")
        await #expect(throws: error) {
            try await test.host.setSettings(["name": ["x"]], plugin: "a.x", scope: .repository(7))
        }
        #expect(try await test.host.settings(plugin: "a.x", scope: .repository(7)) == ["names": ["main"]])
        await #expect(throws: PluginHostError.noSettings(id: "a.plain", scope: "repository/7")) {
            try await test.host.setEnabled(true, plugin: "a.plain", scope: .repository(7))
        }
        #expect(try await test.host.isEnabled(plugin: "a.plain", scope: .repository(7)))
        await test.stop()
    }
}
