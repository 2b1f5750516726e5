import Foundation
import NodeTestKit
import Portable
import Testing

/// Which events plugins get when other plugins are slow and nodes stop or die.
@Suite struct EventDeliveryTests {
    @Test func `what waits at a stop comes after the next start, each push once and in order`() async throws {
        // While the first start lasts, the first handler ends only after the last push, and each is slow.
        let node = try Self.node([
            "com.example.slow": """
            local is_first = false
            perigee.plugin.on_start(function()
              is_first = perigee.kv.get("started") == nil
              perigee.kv.put("started", true)
              perigee.log.info("ready")
            end)
            perigee.events.on("repo:refs_changed", function(event)
              local name = event.changes[1].refId
              while is_first and not perigee.refs.get(event.repository.id, "refs/heads/b5") do end
              local began = perigee.time.monotonic()
              while is_first and perigee.time.monotonic() - began < 3000 do end
              perigee.log.info("saw " .. name .. ".")
            end)
            """
        ])
        try await node.start()
        try await node.waitForLog("ready")
        try await node.makeRepository("PRJ", "app")
        let names = (1...5).map { "b\($0)" }
        try await Self.push(names, to: node)
        try await node.stop()
        #expect(!node.log.contains("saw refs/heads/b5."), "all was handled before the node was stopped")
        try await node.start()
        try await node.waitForLog("saw refs/heads/b5.")
        #expect(node.seen == names.map { "refs/heads/\($0)" })
        #expect(!node.log.contains("plugin failed"))
        try await node.stop()
    }

    @Test func `a plugin that hangs on an event keeps no other from that repository's next ones`()
        async throws
    {
        let node = try Self.node([
            "com.example.hanging": """
            perigee.events.on("repo:refs_changed", function(event)
              perigee.log.info("hangs")
              while not perigee.kv.get("never") do end
            end)
            """,
            "com.example.quick": """
            perigee.events.on("repo:refs_changed", function(event)
              perigee.log.info("saw " .. event.changes[1].refId .. ".")
            end)
            """,
        ])
        try await node.start()
        try await node.makeRepository("PRJ", "app")
        try await Self.push(["b1"], to: node)
        try await node.waitForLog("hangs")
        try await Self.push(["b2", "b3"], to: node)
        try await node.waitForLog("saw refs/heads/b3.")
        #expect(node.seen == ["refs/heads/b1", "refs/heads/b2", "refs/heads/b3"])
        // It still hangs in the first: nobody waited for its time to be up.
        #expect(!node.log.contains("plugin failed") && node.log.ranges(of: "hangs").count == 1)
        try await node.kill()
    }

    @Test func `events of a killed node about projects and repositories come after the next start`()
        async throws
    {
        let keys = [
            "project:created", "project:modified", "repo:created", "repo:modified", "repo:deleted",
            "project:deleted",
        ]
        let node = try Self.node([
            "com.example.slow": """
            local is_first = false
            perigee.plugin.on_start(function()
              is_first = perigee.kv.get("started") == nil
              perigee.kv.put("started", true)
              perigee.log.info("ready")
            end)
            for _, key in ipairs({ "\(keys.joined(separator: "\", \""))" }) do
              perigee.events.on(key, function(event)
                while is_first and not perigee.kv.get("never") do end
                local what = event.repository and event.repository.name or event.project.name
                perigee.log.info("saw " .. event.eventKey .. "/" .. what .. ".")
              end)
            end
            """
        ])
        try await node.start()
        try await node.waitForLog("ready")
        try await node.makeProject("PRJ")
        let project = "/rest/api/latest/projects/PRJ"
        #expect(try await node.http.put(project, ["name": "Renamed"]).isSuccess)
        try await node.makeRepository("PRJ", "one")
        #expect(try await node.http.put("\(project)/repos/one", ["name": "two"]).isSuccess)
        #expect(try await node.http.delete("\(project)/repos/two").isSuccess)
        #expect(try await node.http.delete(project).isSuccess)
        try await node.kill()
        #expect(node.seen == [])
        try await node.start()
        try await node.waitForLog("saw project:deleted")
        let names = ["PRJ", "Renamed", "one", "two", "two", "Renamed"]
        #expect(node.seen == zip(keys, names).map { "\($0)/\($1)" })
        try await node.stop()
    }

    @Test func `a plugin that was disabled misses what happened meanwhile, and no more`() async throws {
        let node = try Self.node([
            "com.example.quick": """
            perigee.events.on("repo:refs_changed", function(event)
              perigee.log.info("saw " .. event.changes[1].refId .. ".")
            end)
            """
        ])
        try await node.start()
        try await node.makeRepository("PRJ", "app")
        let plugin = "/rest/plugins/1.0/com.example.quick"
        try await Self.push(["b1"], to: node)
        try await node.waitForLog("saw refs/heads/b1.")
        #expect(try await node.http.put(plugin + "/disable").isSuccess)
        try await Self.push(["b2"], to: node)
        #expect(try await node.http.put(plugin + "/enable").isSuccess)
        try await Self.push(["b3"], to: node)
        try await node.waitForLog("saw refs/heads/b3.")
        #expect(node.seen == ["refs/heads/b1", "refs/heads/b3"])
        try await node.stop()
    }

    private static func node(_ plugins: [String: String]) throws -> RunningNode {
        let node = try RunningNode.prepare(properties: ["plugins.handler.max-seconds": "60"])
        for (id, main) in plugins {
            let folder = "home/shared/plugins/installed-plugins/\(id)"
            try node.directory.write(
                #"{"id": "\#(id)", "name": "Test", "version": "1.0.0", "api": 1, "main": "main.lua","#
                    + #" "cluster_compatible": true, "permissions": {"kv": "1MiB", "refs": "read", "#
                    + #" "events": ["repo:refs_changed", "repo:created", "repo:modified", "repo:deleted", "#
                    + #" "project:created", "project:modified", "project:deleted"]}}"#,
                to: "\(folder)/plugin.json")
            try node.directory.write(main, to: "\(folder)/main.lua")
        }
        return node
    }

    private static func push(_ branches: [String], to node: RunningNode) async throws {
        let git = try GitClient()
        try await git.makeRepository("one")
        for branch in branches {
            try await git.succeed("push", "--quiet", node.remote("PRJ", "app"), "main:\(branch)", in: "one")
        }
    }
}

extension HTTPAnswer {
    fileprivate var isSuccess: Bool { (200..<300).contains(status) }
}

extension RunningNode {
    /// What plugins say they have seen, in order.
    fileprivate var seen: [String] {
        log.split(separator: "\n").compactMap { $0.firstMatch(of: #/saw (\S+)\./#).map { String($0.1) } }
    }

    fileprivate func waitForLog(_ text: String) async throws {
        try await waitUntil("\"\(text)\" in the log", detail: { self.log }) { self.log.contains(text) }
    }
}
