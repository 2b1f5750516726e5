import NodeTestKit
import Portable
import Testing

/// Plugins over REST, each test on a node of its own that has one plugin and one broken one installed.
@Suite struct RESTPluginTests {
    private static let manifest = """
        {"id": "com.example.gate", "version": "1.2.0", "api": 1, "main": "main.lua",
         "description": "Refuses pushes with a text.",
         "permissions": {"before_push": true},
         "config": {"greeting": {"type": "string", "default": "hello"}},
         "repository_config": {"text": {"type": "string", "default": "closed"}}}
        """
    private static let program = """
        perigee.events.before_push(function(push)
          local settings = perigee.config.repository(push.repository.id)
          if settings then return false, settings.text end
        end)
        """
    private static let broken = """
        {"id": "com.example.broken", "version": "1.0.0", "api": 1, "main": "main.lua"}
        """

    private func startNode() async throws -> RunningNode {
        let node = try RunningNode.prepare()
        let folder = "home/shared/plugins/installed-plugins"
        _ = try node.directory.write(Self.manifest, to: "\(folder)/com.example.gate/plugin.json")
        _ = try node.directory.write(Self.program, to: "\(folder)/com.example.gate/main.lua")
        _ = try node.directory.write(Self.broken, to: "\(folder)/com.example.broken/plugin.json")
        _ = try node.directory.write("local x = = 1\n", to: "\(folder)/com.example.broken/main.lua")
        try await node.start()
        return node
    }

    @Test func `plugins are listed with their states, shown, switched and reloaded`() async throws {
        let node = try await startNode()
        let plugins = "/rest/plugins/1.0"
        let list = try await node.http.get(plugins + "/?limit=1000")
        #expect(list.status == 200)
        let found = try list.json()["values"]?.listValue ?? []
        let gate = found.first { $0["id"] == "com.example.gate" }
        #expect(gate?["state"] == "enabled")
        #expect(gate?["version"] == "1.2.0")
        let broken = found.first { $0["id"] == "com.example.broken" }
        #expect(broken?["state"] == "failed")
        #expect(broken?["reason"]?.stringValue?.contains("main.lua:1") == true)

        let shown = try await node.http.get("/rest/plugins/latest/com.example.gate").json()
        #expect(shown["judgesPushes"] == true)
        #expect(shown["permissions"]?.listValue?.isEmpty == false)
        let missing = try await node.http.get(plugins + "/com.example.gates")
        #expect(missing.status == 404)
        #expect(missing.error?["message"]?.stringValue?.contains("\"com.example.gate\"") == true)

        let one = plugins + "/com.example.gate"
        #expect(try await node.http.put(one + "/disable").json()["state"] == "disabled")
        #expect(try await node.http.put(one + "/enable").json()["state"] == "enabled")
        #expect(try await node.http.put(one + "/reload").json()["state"] == "enabled")
        let failed = try await node.http.put(plugins + "/com.example.broken/reload")
        #expect(failed.status == 409)
        #expect(failed.error?["message"]?.stringValue?.contains("main.lua:1") == true)
        try await node.stop()
    }

    @Test func `a plugin's settings are read, checked and set`() async throws {
        let node = try await startNode()
        let settings = "/rest/plugins/1.0/com.example.gate/settings"
        #expect(try await node.http.get(settings).json() == ["greeting": "hello"])
        let wrong = try await node.http.put(settings, ["greting": "x"])
        #expect(wrong.status == 400)
        #expect(wrong.error?["context"] == "greting")
        #expect(wrong.error?["message"]?.stringValue?.contains("greeting") == true)
        #expect(try await node.http.put(settings, ["greeting": "servus"]).status == 200)
        #expect(try await node.http.get(settings).json() == ["greeting": "servus"])
        #expect(try await node.http.delete(settings).status == 200)
        #expect(try await node.http.get(settings).json() == ["greeting": "hello"])
        try await node.stop()
    }

    @Test func `a hook is switched on for one repository, with settings that its refusals show`() async throws
    {
        let node = try await startNode()
        try await node.makeRepository("PRJ", "rep")
        try await node.makeRepository("PRJ", "other")
        let git = try GitClient()
        let work = try await git.makeRepository("work")
        let hooks = "/rest/api/1.0/projects/PRJ/repos/rep/settings/hooks"
        let listed = try await node.http.get(hooks).json()["values"]?.listValue ?? []
        let hook = listed.first { $0["details"]?["key"] == "com.example.gate" }
        #expect(hook?["details"]?["type"] == "PRE_RECEIVE")
        #expect(hook?["enabled"] == false)
        #expect(hook?["scope"]?["type"] == "REPOSITORY")

        let gate = hooks + "/com.example.gate"
        let set = try await node.http.put(gate + "/settings", ["text": "come back on Monday"])
        #expect(set.status == 200)
        #expect(try await node.http.get(gate + "/settings").json() == ["text": "come back on Monday"])
        #expect(try await node.http.put(gate + "/settings", ["text": 7]).status == 400)
        let enabled = try await node.http.put(gate + "/enabled")
        #expect(enabled.status == 200)
        #expect(try enabled.json()["enabled"] == true)

        let refused = try await git.run("push", node.remote("PRJ", "rep"), "main", in: work)
        #expect(!refused.succeeded)
        #expect(refused.errors.contains("come back on Monday"))
        try await git.succeed("push", node.remote("PRJ", "other"), "main", in: work)
        let branch = try await node.http.post(
            "/rest/api/1.0/projects/PRJ/repos/other/branches", ["name": "x", "startPoint": "main"])
        #expect(branch.status == 200)

        #expect(try await node.http.delete(gate + "/enabled").json()["enabled"] == false)
        try await git.succeed("push", node.remote("PRJ", "rep"), "main", in: work)
        #expect(try await node.http.put(hooks + "/nosuch/enabled").status == 404)
        try await node.stop()
    }

    @Test func `plugins are for administrators, hooks for those of the repository`() async throws {
        let node = try await startNode()
        try await node.makeRepository("PRJ", "rep")
        try await node.makeUser("ordinary")
        try await node.makeUser("keeper")
        try await node.grant("ordinary", "REPO_WRITE", project: "PRJ", repository: "rep")
        try await node.grant("keeper", "REPO_ADMIN", project: "PRJ", repository: "rep")
        let ordinary = node.anonymous.basic("ordinary", "user-Passw0rd")
        let keeper = node.anonymous.basic("keeper", "user-Passw0rd")
        let hooks = "/rest/api/1.0/projects/PRJ/repos/rep/settings/hooks"
        #expect(try await ordinary.get("/rest/plugins/1.0/").status == 401)
        #expect(try await keeper.put("/rest/plugins/1.0/com.example.gate/disable").status == 401)
        #expect(try await ordinary.get(hooks).status == 401)
        #expect(try await ordinary.put(hooks + "/com.example.gate/enabled").status == 401)
        #expect(try await keeper.put(hooks + "/com.example.gate/enabled").status == 200)
        try await node.stop()
    }
}
