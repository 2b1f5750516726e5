import ClusterServices
import Foundation
import HostAPI
import NodeTestKit
import PluginHost
import Portable
import Testing

/// `perigee.caches`, `perigee.topics` and `perigee.cluster`, as plugins see them.
@Suite struct CachesModuleTests {
    /// A server with one plugin: its main chunk opens what it needs, and `run` gives the results.
    private static func run(_ opening: String, _ code: String) async throws -> [PortableValue] {
        let server = try await server(opening, code)
        defer { Task { await server.stop() } }
        return try await server.run([:]).listValue ?? []
    }

    private static func server(_ opening: String, _ code: String) async throws -> TestServer {
        let permissions = """
            {"events": ["x:run"], "kv": "1MiB", "caches": ["reports", "other"], "topics": ["news"],
             "repositories": "read"}
            """
        let main = """
            \(opening)
            local function run(event)
            \(code)
            end
            perigee.events.on("x:run", function(event) perigee.kv.put("result", { run(event) }) end)
            """
        let server = try await TestServer(mains: ["a.x": (permissions, main)])
        for region in server.cluster.caches?.regions ?? [] {
            _ = await server.cluster.caches?.waitUntilSettled(region, within: .seconds(60))
        }
        return server
    }

    private static let open = #"local c = perigee.caches.open("reports")"#

    @Test(arguments: CacheSettings.Mode.allCases)
    func `a plugin reads back what it has stored`(_ mode: CacheSettings.Mode) async throws {
        let results = try await Self.run(
            """
            local c = perigee.caches.open("reports", {
              mode = "\(mode.rawValue)", ttl = "10m", idle = "5m", max_entries = 100, max_size = "1MiB",
            })
            """,
            """
            assert(c:get("a") == nil and c:peek(1) == nil)
            assert(c:put("a", { n = 1, list = { 1, 2, { x = "y" } } }))
            assert(c:put(1, "number") and c:put("1", "text"))
            local a = c:get("a")
            a.n = 99
            assert(c:get("a").n == 1 and c:peek("a").list[3].x == "y")
            assert(c:get(1) == "number" and c:get(1.0) == "number" and c:get("1") == "text")
            assert(#c:keys() == 3)
            local stored, present = c:put_if_absent("a", 5)
            assert(stored == false and present.n == 1)
            assert(c:put_if_absent("b", 5) == true)
            assert(c:replace("b", 4, 6) == false and c:replace("b", 5, 6) == true and c:get("b") == 6)
            assert(c:remove("b", 5) == false and c:remove("b", 6) == true and c:get("b") == nil)
            assert(c:remove("a") == true and c:get("a") == nil)
            assert(c:clear() == true and #c:keys() == 0)
            local s = c:stats()
            return s.entries, s.hits > 0, s.misses > 0, s.loads, s.evictions
            """)
        #expect(results == [0, true, true, 0, 0])
    }

    @Test func `a loader makes what is not there`() async throws {
        let results = try await Self.run(
            """
            local loads = 0
            local c = perigee.caches.open("reports")
            local d = perigee.caches.open("other", { loader = function(key)
              loads = loads + 1
              perigee.kv.get("wait")
              if key == "none" then return nil, { code = "not_found", message = "no " .. key } end
              if key == "bad" then error("no luck", 0) end
              return { key = key, n = loads }
            end })
            """,
            """
            local made = c:get("a", function(key) return { key = key .. "!" } end)
            assert(made.key == "a!" and c:get("a").key == "a!" and c:get("a", error).key == "a!")
            assert(d:get("x").n == 1 and d:get("x").n == 1 and d:get(7).key == 7 and loads == 2)
            assert(d:get("y", function() return "own" end) == "own" and d:get("y") == "own")
            local nothing, err = d:get("none")
            assert(nothing == nil and err.code == "not_found" and d:peek("none") == nil)
            local fine, text = pcall(d.get, d, "bad")
            assert(not fine and text == "no luck" and d:peek("bad") == nil)
            local value = c:get("outer", function() return c:get("inner", function() return 3 end) + 1 end)
            c:get("changed", function() c:remove("changed") return "old" end)
            return value, c:peek("inner"), c:peek("changed") == nil, loads
            """)
        #expect(results == [4, 3, true, 4])
    }

    @Test func `a large value comes back whole`() async throws {
        let results = try await Self.run(
            Self.open,
            """
            local list = {}
            for i = 1, 5000 do list[i] = { id = i, name = "item " .. i } end
            c:put("list", list)
            local back = c:get("list")
            return #back, back[5000].name, back[1].id
            """)
        #expect(results == [5000, "item 5000", 1])
    }

    @Test(arguments: [
        ("c:put('a', print)", "value: a function cannot be stored"),
        ("c:put('a', { b = { print } })", "value.b[1]: a function cannot be stored"),
        ("c:put('a', nil)", "nil cannot be stored"),
        ("c:put('a', ('x'):rep(300000))", "262144"),
        ("c:put('', 1)", "an empty text"),
        ("c:get(1.5)", "number has no integer representation"),
        ("c:get({})", "string or integer expected, got table"),
        ("c:get()", "string or integer expected, got no value"),
        ("c:get('a\\0b', error)", "NUL"),
        ("c:get('\\255', error)", "not UTF-8"),
        ("c:get(('x'):rep(513), error)", "513 bytes"),
        ("c:get('a', function() return print end)", "a function cannot be stored"),
        ("c:get('a', function() return ('x'):rep(300000) end)", "262144"),
        ("c.get('a')", "is called on a perigee.Cache"),
        ("perigee.kv.put('a', c)", "an object of the host cannot be stored"),
        ("perigee.caches.open('reports')", "only be called while the main chunk runs"),
    ])
    func `what cannot be done is refused at the caller's line`(_ code: String, _ text: String) async throws {
        let results = try await Self.run(Self.open, "return pcall(function() \(code) end)")
        #expect(results.first == false)
        #expect(results.last?.stringValue?.contains(text) == true, "\(results)")
        #expect(results.last?.stringValue?.hasPrefix("main.lua:") == true, "\(results)")
    }

    @Test(arguments: [
        (#"perigee.caches.open("absent")"#, #""caches": ["absent"]"#),
        (#"perigee.caches.open("reports", { mode = "remote" })"#, "invalid option 'remote'"),
        (#"perigee.caches.open("reports", { ttl = "soon" })"#, "ttl: a duration"),
        (#"perigee.caches.open("reports", { max_entries = 0 })"#, "max_entries: 1 to 1000000"),
        (#"perigee.caches.open("reports", { max_size = "1GiB" })"#, "at most '64MiB'"),
        (#"perigee.caches.open("reports", { loader = 1 })"#, "loader: function expected, got number"),
        (#"perigee.caches.open("reports", { lauder = print })"#, "did you mean 'loader'"),
        (#"perigee.topics.on("absent", print)"#, #""topics": ["absent"]"#),
    ])
    func `a plugin that opens what it may not does not start`(_ code: String, _ text: String) async throws {
        let server = try await Self.server(code, "")
        let reason = await server.plugins.detail("a.x")?.summary.state.reason ?? ""
        #expect(reason.contains(text), "\(reason)")
        await server.stop()
    }

    @Test func `a cache ends with its plugin and not with a reload`() async throws {
        let server = try await Self.server(
            #"local c = perigee.caches.open("reports", { loader = function() return "loaded" end })"#,
            #"return c:get("a")"#)
        let caches = try #require(server.cluster.caches)
        #expect(try await server.run([:]) == ["loaded"])
        let region = try #require(caches.regions.first)
        try await region.put(.text("a"), "put")
        try await server.plugins.reload("a.x")
        #expect(try await server.run([:]) == ["put"])
        try await region.remove(.text("a"))
        #expect(try await server.run([:]) == ["loaded"])
        try await server.plugins.disable("a.x")
        #expect(caches.regions.isEmpty)
        await server.stop()
    }

    @Test func `messages on a topic reach the plugin that sends them`() async throws {
        let server = try await Self.server(
            """
            perigee.topics.on("news", function(message)
              perigee.kv.put("heard/" .. tostring(message.payload.n), message)
            end)
            """,
            """
            local ok, text = pcall(perigee.topics.publish, "news", ("x"):rep(6000))
            return perigee.topics.publish("news", { n = 1 }), ok, text
            """)
        let results = try await server.run([:])
        #expect(results[0] == true && results[1] == false)
        #expect(results[2]?.stringValue?.contains("5000 are allowed") == true)
        // It listens a moment after it was started; what was sent before is gone.
        let heard = try await waitFor("the message") { () -> PortableValue? in
            _ = try await server.run([:])
            return try await server.kv.fetchValue(namespace: "plugin/a.x", key: "heard/1")?.value
        }
        #expect(heard == ["payload": ["n": 1], "node": "test", "own": true])
        await server.stop()
    }

    @Test func `a plugin sees the nodes of the cluster`() async throws {
        let results = try await Self.run(
            "",
            """
            local node, is_member = perigee.cluster.node()
            local members = perigee.cluster.members()
            return node.id, node.is_local, is_member, #members, members[1].id, members[1].joined_at > 0
            """)
        #expect(results == ["test", true, true, 1, "test", true])
    }
}
