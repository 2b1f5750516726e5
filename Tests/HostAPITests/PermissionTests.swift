import HostAPI
import PluginHost
import Portable
import Testing

/// What a plugin may call whose manifest asks for nothing.
@Suite struct PermissionTests {
    /// Functions that touch nothing but the plugin itself, the clock and the plugin's own log. A new function
    /// is not added here without a reason.
    private static let free: Set<String> = [
        "perigee.cluster.members", "perigee.cluster.node", "perigee.config.on_change",
        "perigee.config.on_repository_change",
        "perigee.config.repository", "perigee.events.publish",
        "perigee.json.decode", "perigee.json.encode", "perigee.log.debug", "perigee.log.error",
        "perigee.log.info", "perigee.log.trace", "perigee.log.warn", "perigee.plugin.on_start",
        "perigee.plugin.on_stop", "perigee.time.iso", "perigee.time.monotonic", "perigee.time.now",
        "perigee.time.parse",
    ]

    private struct Function {
        let path: String
        let id: String
        let call: String
        /// The manifest line that an author is told to add.
        let line: String?
    }

    private static let functions: [Function] = HostAPI.declarations().flatMap { module in
        module.functions.map { function in
            let path = "perigee.\(module.name).\(function.name)"
            let isPages = if case .pages = function.body { true } else { false }
            let isEvents = path == "perigee.events.on"
            let isBracket = if case .bracket = function.body { true } else { false }
            let arguments = isEvents ? "'repo:created', function() end" : isBracket ? "function() end" : ""
            return Function(
                path: path, id: "a.\(module.name)-\(function.name.replacing("_", with: "-"))",
                call: isPages ? "for _ in \(path)() do end" : "\(path)(\(arguments))",
                line: isEvents ? #""events": ["repo:created"]"# : function.permission?.manifestLine)
        }
    }

    @Test func `every function but a few refuses a plugin without its permission, at the caller's line`()
        async throws
    {
        let mains = Dictionary(
            uniqueKeysWithValues: Self.functions.map { ($0.id, (permissions: "{}", main: "\n" + $0.call)) })
        let server = try await TestServer(mains: mains)
        var granted: Set<String> = []
        for function in Self.functions {
            let detail = try #require(await server.plugins.detail(function.id))
            let denied = detail.statistics.hostCalls[function.path]?["denied"] ?? 0
            let reason = detail.summary.state.reason ?? ""
            guard let line = function.line else {
                granted.insert(function.path)
                #expect(denied == 0 && !reason.contains("permission denied"), "\(function.path): \(reason)")
                continue
            }
            let expected = "main.lua:2: permission denied: \(function.path) needs \(line) in plugin.json, "
            #expect(reason.contains(expected), "\(function.path): \(reason)")
            #expect(denied == 1, "\(function.path) is not counted")
        }
        #expect(granted == Self.free)
        await server.stop()
    }

    /// Methods that need no permission of their own: their object is had with the plugin's permission alone,
    /// or stands for what the plugin's own handler was given.
    private static let freeMethods: Set<String> = [
        "perigee.Cache:clear", "perigee.Cache:get", "perigee.Cache:keys", "perigee.Cache:peek",
        "perigee.Cache:put", "perigee.Cache:put_if_absent", "perigee.Cache:remove", "perigee.Cache:replace",
        "perigee.Cache:stats", "perigee.Job:cancelled",
    ]

    @Test func `every method but a few needs a permission`() {
        let methods = HostAPI.declarations().flatMap { module in
            module.classes.flatMap { kind in
                kind.methods.map { (name: "\(kind.fullName):\($0.name)", permission: $0.permission) }
            }
        }
        #expect(methods.count > 20)
        #expect(Set(methods.filter { $0.permission == nil }.map(\.name)) == Self.freeMethods)
    }

    @Test func `reading is not writing`() async throws {
        let server = try await TestServer(mains: [
            "a.x": (#"{"refs": "read"}"#, "\nperigee.refs.delete(1, 'refs/heads/x')")
        ])
        let reason = await server.plugins.detail("a.x")?.summary.state.reason ?? ""
        #expect(reason.contains(#"main.lua:2: permission denied: perigee.refs.delete needs "refs": "write""#))
        await server.stop()
    }
}
