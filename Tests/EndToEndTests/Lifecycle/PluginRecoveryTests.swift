import Foundation
import NodeTestKit
import Testing

@Suite struct PluginRecoveryTests {
    /// Works on its first event for as long as it may, longer than the test needs to kill the node.
    private static let source = """
        perigee.plugin.on_start(function() perigee.log.info("the plugin has started") end)
        perigee.events.on("repo:refs_changed", function(event)
          local is_first = not perigee.kv.get("began")
          perigee.kv.put("began", true)
          perigee.log.info("began " .. event.changes[1].toHash)
          while is_first do end
          perigee.log.info("saw " .. event.changes[1].toHash)
        end)
        """

    @Test func `a push whose event a killed node still owed is told of at the next start`() async throws {
        let node = try RunningNode.prepare(properties: ["plugins.handler.max-seconds": "60"])
        let folder = "home/shared/plugins/installed-plugins/com.example.slow"
        try node.directory.write(
            #"{"id": "com.example.slow", "name": "Slow", "version": "1.0.0", "api": 1, "main": "main.lua","#
                + #" "cluster_compatible": true,"#
                + #" "permissions": {"events": ["repo:refs_changed"], "kv": "1MiB"}}"#,
            to: "\(folder)/plugin.json")
        try node.directory.write(Self.source, to: "\(folder)/main.lua")
        try await node.start()
        try await waitUntil("the start handler", detail: { node.log }) {
            node.log.contains("the plugin has started")
        }
        try await node.makeRepository("PRJ", "app")
        let git = try GitClient()
        try await git.makeRepository("one")
        let tip = try await git.succeed("rev-parse", "HEAD", in: "one")
        try await git.succeed("push", "--quiet", node.remote("PRJ", "app"), "main", in: "one")
        try await waitUntil("the handler", detail: { node.log }) { node.log.contains("began \(tip)") }
        try await node.kill()
        #expect(!node.log.contains("saw \(tip)"), "the event was handled before the node was killed")
        try await node.start()
        try await waitUntil("the event", detail: { node.log }) { node.log.contains("saw \(tip)") }
        try await node.stop()
    }
}
