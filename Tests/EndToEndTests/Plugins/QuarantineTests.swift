import Foundation
import NodeTestKit
import Portable
import Testing

/// A plugin that runs over its CPU time at each push, on a node of its own.
@Suite struct QuarantineTests {
    private static let id = "com.example.greedy"
    private static let spinning = """
        perigee.events.on("repo:refs_changed", function() while true do end end)
        """

    private func startNode(_ main: String, permissions: String) async throws -> RunningNode {
        let node = try RunningNode.prepare()
        let folder = "home/shared/plugins/installed-plugins/\(Self.id)"
        let manifest = """
            {"id": "\(Self.id)", "version": "1.0.0", "api": 1, "limits": {"handler_cpu": "50ms"},
             "cluster_compatible": true, "permissions": \(permissions)}
            """
        try node.directory.write(manifest, to: "\(folder)/plugin.json")
        try node.directory.write(main, to: "\(folder)/main.lua")
        try await node.start()
        try await node.makeRepository("PRJ", "app")
        return node
    }

    private func state(_ node: RunningNode) async throws -> PortableValue {
        try await node.http.get("/rest/plugins/latest/\(Self.id)").json()
    }

    @Test func `three ended runs put a plugin in quarantine until it is released`() async throws {
        let node = try await startNode(Self.spinning, permissions: #"{"events": ["repo:refs_changed"]}"#)
        let git = try GitClient()
        let work = try await git.makeRepository("work")
        for number in 1...3 {
            try await git.succeed("push", "--quiet", node.remote("PRJ", "app"), "main:b\(number)", in: work)
        }
        try await waitUntil("the quarantine", detail: { node.log }) {
            try await self.state(node)["state"] == "quarantined"
        }
        let plugin = try await state(node)
        #expect(plugin["reason"]?.stringValue?.hasPrefix("3 runs were ended within 1m (3 timeout)") == true)
        #expect(plugin["quarantinedBy"]?.stringValue == node.nodeID)
        #expect(plugin["statistics"]?["kills"] == ["timeout": 3])

        let listed = try await node.perigee("plugin", "list", "--home", node.home).output
        #expect(listed.contains(#/com\.example\.greedy +1\.0\.0 +quarantined/#))
        #expect(listed.contains(#/com\.example\.greedy: since \d{4}-\d\d-\d\dT[\d:]+Z 3 runs were ended/#))
        let shown = try await node.perigee("plugin", "show", Self.id, "--home", node.home).output
        #expect(shown.contains("quarantinedSince: 20") && shown.contains("reason: 3 runs were ended"))
        #expect(node.log.contains(#/perigee\.audit plugin quarantined .*plugin\.id=com\.example\.greedy/#))

        let metrics = try await node.http.get("/metrics").text
        #expect(
            metrics.contains(#"perigee_plugin_kills_total{plugin="com.example.greedy",reason="timeout"} 3"#))
        #expect(metrics.contains(#"perigee_plugin_quarantined{plugin="com.example.greedy"} 1"#))
        #expect(metrics.contains(#"perigee_plugin_cpu_seconds{plugin="com.example.greedy"} 0."#))

        try await node.restart()
        #expect(try await state(node)["state"] == "quarantined")
        try await node.makeUser("ordinary")
        let ordinary = node.anonymous.basic("ordinary", "user-Passw0rd")
        #expect(try await ordinary.put("/rest/plugins/latest/\(Self.id)/release").status == 401)
        let released = try await node.perigee("plugin", "release", Self.id, "--home", node.home)
        #expect(released.output == "\(Self.id) is enabled\n")
        let again = try await node.http.put("/rest/plugins/latest/\(Self.id)/release")
        #expect(again.status == 409 && again.text.contains("is not in quarantine"))
        try await node.stop()
    }

    @Test func `a guard in quarantine keeps the gate shut until an administrator decides`() async throws {
        let node = try await startNode(
            "perigee.events.before_push(function() while true do end end)",
            permissions: #"{"before_push": true}"#)
        let git = try GitClient()
        let work = try await git.makeRepository("work")
        let remote = node.remote("PRJ", "app")
        for _ in 1...3 { #expect(try await !git.run("push", remote, "main", in: work).succeeded) }
        try await waitUntil("the quarantine") { try await self.state(node)["state"] == "quarantined" }
        let refused = try await git.run("push", remote, "main", in: work)
        #expect(!refused.succeeded)
        #expect(refused.errors.contains("(com.example.greedy), which judges pushes, is in quarantine"))
        #expect(refused.errors.contains("Ask an administrator to release it, or to disable"))
        _ = try await node.perigee("plugin", "disable", Self.id, "--home", node.home)
        try await git.succeed("push", "--quiet", remote, "main", in: work)
        try await node.stop()
    }
}
