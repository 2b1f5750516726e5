import PluginHost
import Portable
import Testing

@Suite struct ManifestTests {
    static let minimal = #""id": "com.example.x", "version": "1.2.0", "api": 1"#

    private func problem(_ text: String) -> String {
        do {
            _ = try PluginManifest.parse(Array(text.utf8))
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func `a whole manifest is read`() throws {
        let text = """
            { "$schema": "x", "id": "com.example.branch-report", "name": "Branch report",
              "version": "1.2.0-rc.1",
              "api": 1, "main": "src/start.lua", "description": "Reports.",
              "vendor": { "name": "Example", "url": "https://example.com" }, "cluster_compatible": true,
              "modes": ["primary", "standby"], "after": ["com.example.audit"],
              "permissions": { "events": ["repo:refs_changed"], "repositories": "read", "refs": "write",
                "commits": "read", "projects": "read", "kv": "16MiB", "before_push": true },
              "limits": { "memory": "32MiB", "handler_cpu": "200ms" },
              "config": { "interval": { "type": "duration", "default": "15m", "min": "1m" } },
              "repository_config": { "list": { "type": "list", "default": [] } },
              "before_push_failure": "accept" }
            """
        let manifest = try PluginManifest.parse(Array(text.utf8))
        #expect(manifest.id == "com.example.branch-report")
        #expect(manifest.version.description == "1.2.0-rc.1")
        #expect(manifest.main == "src/start.lua")
        #expect(manifest.vendor == "Example")
        #expect(manifest.isClusterCompatible)
        #expect(manifest.modes == ["primary", "standby"])
        #expect(manifest.permissions.kvBytesMax == 16 << 20)
        #expect(manifest.permissions.grants(.write("refs")))
        #expect(!manifest.permissions.grants(.write("commits")))
        #expect(manifest.permissions.grants(.read("refs")))
        #expect(manifest.permissions.grants(.event("repo:refs_changed")))
        #expect(!manifest.permissions.grants(.event("repo:deleted")))
        #expect(manifest.limits.memoryBytesMax == 32 << 20)
        #expect(manifest.limits.handlerCPUMilliseconds == 200)
        #expect(manifest.config.resolved([:]) == ["interval": 900_000])
        #expect(manifest.repositoryConfig?.resolved([:]) == ["list": []])
        #expect(manifest.pushFailure == .accept)
    }

    @Test func `what a manifest leaves out asks for nothing`() throws {
        let manifest = try PluginManifest.parse(Array("{\(Self.minimal)}".utf8))
        #expect(manifest.name == "com.example.x")
        #expect(manifest.main == "main.lua")
        #expect(manifest.permissions == PluginPermissions())
        #expect(manifest.repositoryConfig == nil)
        #expect(manifest.pushFailure == .refuse)
        #expect(manifest.modes == ["primary"])
    }

    @Test(arguments: [
        (
            #""permisions": {}"#,
            "plugin.json:1: permisions: unknown key \"permisions\"; did you mean \"permissions\"?"
        ),
        (#""colour": 1"#, "unknown key \"colour\"; known are id, name"),
        (#""push_failure": "accept""#, "; the nearest is \"before_push_failure\""),
        (
            #""permissions": {"event": []}"#,
            "permissions.event: unknown permission \"event\"; did you mean \"events\"?"
        ),
        (
            #""permissions": {"telepathy": true}"#,
            "permissions.telepathy: unknown permission \"telepathy\"; known are events"
        ),
        (#""permissions": {"commits": "write"}"#, "permissions.commits: \"read\" is expected, not \"write\""),
        (
            #""permissions": {"refs": "all"}"#,
            "permissions.refs: \"read\" or \"write\" is expected, not \"all\""
        ),
        (
            #""permissions": {"kv": "16MB"}"#,
            "permissions.kv: a size such as \"16MiB\" is expected, not \"16MB\""
        ),
        (#""permissions": {"kv": 16}"#, "permissions.kv: a string is expected, not a number"),
        (#""permissions": {"events": ["push"]}"#, "permissions.events[0]: \"push\" is not an event key"),
        (#""permissions": {"before_push": "yes"}"#, "permissions.before_push: true or false is expected"),
        (#""permissions": []"#, "permissions: an object is expected, not a list"),
        (#""limits": {"memory": "1KiB"}"#, "limits.memory: a size of at least 1MiB is expected"),
        (#""limits": {"handler_cpu": "5x"}"#, "limits.handler_cpu: a duration of at least 10ms is expected"),
        (#""limits": {"cpu": "5s"}"#, "limits.cpu: unknown limit \"cpu\""),
        (#""limits": {"cpu": "5s"}"#, "; the nearest is \"handler_cpu\""),
        (#""modes": ["primry"]"#, "modes[0]: unknown mode \"primry\"; did you mean \"primary\"?"),
        (#""modes": []"#, "modes: at least one mode is needed"),
        (#""after": ["com.example.x"]"#, "after[0]: a plugin cannot come after itself"),
        (#""main": "../main.lua""#, "main: \"../main.lua\" is not the name of a Lua file in the plugin"),
        (#""main": "main.txt""#, "main: \"main.txt\" is not the name of a Lua file"),
        (#""vendor": {"url": "x"}"#, "vendor: the key \"name\" is missing"),
        (#""name": "a\u0007b""#, "name: the text has a control character"),
        (#""name": """#, "name: the text is empty"),
        (#""before_push_failure": "ignore""#, "before_push_failure: \"refuse\" or \"accept\" is expected"),
        (
            #""config": {"a": {"type": "strin"}}"#,
            "config.a.type: unknown type \"strin\"; did you mean \"string\"?"
        ),
        (#""config": {"a": {}}"#, "config.a: the key \"type\" is missing"),
        (
            #""config": {"a": {"type": "integer", "default": "1"}}"#,
            "config.a.default: a whole number is expected"
        ),
        (
            #""config": {"a": {"type": "duration", "default": "1s", "min": "1m"}}"#,
            "less than the minimum, 1m"
        ),
        (#""config": {"a": {"type": "boolean", "min": 1}}"#, "config.a.min: a boolean has no min"),
        (
            #""config": {"a": {"type": "list", "choices": ["x"]}}"#,
            "config.a.choices: only a string has choices"
        ),
        (#""config": {"repository": {"type": "string"}}"#, "config.repository: \"repository\" is a function"),
        (#""config": {"A": {"type": "string"}}"#, "config.A: setting names have lower-case letters"),
    ])
    func `a wrong key or value is named with its place`(extra: String, expected: String) {
        let text = problem("{\(Self.minimal), \(extra)}")
        #expect(text.contains(expected), "got: \(text)")
    }

    @Test(arguments: [
        (#"{"version": "1.0.0", "api": 1}"#, "the key \"id\" is missing"),
        (#"{"id": "Com.Example", "version": "1.0.0", "api": 1}"#, "\"Com.Example\" is not an id"),
        (#"{"id": "../x", "version": "1.0.0", "api": 1}"#, "\"../x\" is not an id"),
        (#"{"id": "a..b", "version": "1.0.0", "api": 1}"#, "\"a..b\" is not an id"),
        (#"{"id": "a", "version": "1.0", "api": 1}"#, "\"1.0\" is not a version"),
        (#"{"id": "a", "version": "01.0.0", "api": 1}"#, "\"01.0.0\" is not a version"),
        (#"{"id": "a", "version": "1.0.0", "api": 2}"#, "this server offers api 1, not 2"),
        (#"{"id": "a", "version": "1.0.0", "api": "1"}"#, "api: a whole number is expected, not a string"),
        (#"{"id": "a", "version": "1.0.0"}"#, "the key \"api\" is missing"),
        (#"[]"#, "an object is expected, not a list"),
        (#"{"id": "a","#, "malformed at byte"),
        (#""#, "malformed at byte"),
    ])
    func `a manifest without its bones is refused`(text: String, expected: String) {
        #expect(problem(text).contains(expected), "got: \(problem(text))")
    }

    @Test func `the line of a wrong key is told`() {
        let text =
            "{\n  \(Self.minimal),\n  \"permissions\": {\n    \"kv\": \"1MiB\",\n    \"evnts\": []\n  }\n}"
        #expect(problem(text).hasPrefix("plugin.json:5: permissions.evnts:"))
    }

    @Test func `a manifest of more than 64 KiB is refused`() {
        #expect(problem(String(repeating: " ", count: 70_000)).contains("more than 64 KiB"))
    }
}
