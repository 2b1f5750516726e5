import Foundation
import NodeTestKit
import Portable
import Testing

@Suite struct FairnessTests {
    /// Busy for ever: each event of its own raises the next one, and then uses up all the time that it has.
    private static let spinning = """
        local key = perigee.plugin.id .. ":again"
        perigee.events.on(key, function()
          perigee.events.publish(key, {})
          while true do pcall(function() while true do end end) end
        end)
        perigee.plugin.on_start(function() perigee.events.publish(key, {}) end)
        """
    /// Never without events: each raises ten, and says more than it may in a second.
    private static let flooded = """
        local key = perigee.plugin.id .. ":drop"
        perigee.events.on(key, function()
          for number = 1, 10 do perigee.events.publish(key, { number = number }) end
          for number = 1, 500 do perigee.log.info("another one") end
        end)
        perigee.plugin.on_start(function() perigee.events.publish(key, {}) end)
        """
    private static let calm = """
        perigee.events.on("repo:refs_changed", function(event)
          for _, change in ipairs(event.changes) do
            perigee.kv.put("seen/" .. change.ref.displayId, change.toHash)
          end
        end)
        """

    private func figures(_ name: String, _ node: RunningNode) async throws -> PortableValue {
        let plugin = try await node.http.get("/rest/plugins/latest/com.example.\(name)").json()
        #expect(plugin["state"] == "enabled", "\(plugin)")
        return plugin["statistics"] ?? .null
    }

    @Test func `beside a plugin that spins and one that is flooded, another hears of every push`()
        async throws
    {
        let node = try RunningNode.prepare(properties: ["plugins.quarantine.kills": "0"])
        try node.installPlugin("com.example.spinning", permissions: "{}", main: Self.spinning)
        try node.installPlugin("com.example.flooded", permissions: "{}", main: Self.flooded)
        try node.installPlugin(
            "com.example.calm", permissions: #"{"events": ["repo:refs_changed"], "kv": "1MiB"}"#,
            main: Self.calm)
        try await node.start()
        try await node.makeRepository("PRJ", "app")
        let git = try GitClient()
        let work = try await git.makeRepository("work")
        let before = (try await figures("spinning", node), try await figures("flooded", node))
        for number in 1...10 {
            try await git.commit(in: work, file: "a.txt", text: "\(number)\n")
            try await git.succeed("push", "--quiet", node.remote("PRJ", "app"), "main:b\(number)", in: work)
            let tip = try await git.succeed("rev-parse", "HEAD", in: work)
            try await waitUntil("the event of push \(number)") {
                let stored = try await node.http.get(
                    "/rest/plugins/latest/com.example.calm/kv?prefix=seen/b\(number)"
                ).json()
                return stored["values"]?[0]?["value"] == .string(tip)
            }
        }
        // All that time the two others were at it.
        let after = (try await figures("spinning", node), try await figures("flooded", node))
        let cpu = { (value: PortableValue) in value["cpuNanoseconds"]?.integerValue ?? 0 }
        let runs = { (value: PortableValue) in value["runs"]?.integerValue ?? 0 }
        #expect(cpu(after.0) > cpu(before.0))
        #expect(runs(after.1) > runs(before.1))
        #expect((after.1["logLinesDropped"]?.integerValue ?? 0) > 0)
        let clone = try await git.run("clone", "--quiet", node.remote("PRJ", "app"), "clone", "--branch=b10")
        #expect(clone.succeeded)
        try await node.stop()
    }

    @Test func `a million log lines in one run do not fill the log, and none can be forged`() async throws {
        let node = try RunningNode.prepare()
        try node.installPlugin(
            "com.example.chatty",
            main: """
                perigee.plugin.on_start(function()
                  perigee.log.info("first\\n2026-11-21T00:00:00.000Z ERROR perigee.http forged\\27[2J\\r\\0")
                  local long = ("x"):rep(20000)
                  for number = 1, 1000000 do perigee.log.info(long, { number = number }) end
                end)
                """)
        try await node.start()
        try await waitUntil("the count of what was left out", detail: { String(node.log.suffix(2_000)) }) {
            node.log.contains("log lines of this plugin were left out lines=")
        }
        let log = node.log
        #expect(log.utf8.count < 2_000_000, "\(log.utf8.count) bytes")
        #expect(log.contains(#"first\n2026-11-21T00:00:00.000Z ERROR perigee.http forged\u{1b}[2J\r\u{0}"#))
        #expect(!log.contains("\n2026-11-21T00:00:00.000Z"))
        #expect(log.contains("x ... (cut)"))
        try await node.stop()
    }
}
