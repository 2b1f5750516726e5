import Foundation
import PluginHost
import Portable
import Testing

@Suite struct PluginHostTests {
    private static let beforePush = #""permissions": {"before_push": true}"#

    @Test func `plugins that cannot be loaded are reported with file and line and hurt nothing`() async throws
    {
        let test = try await TestHost { folder in
            try folder.write("a.syntax", main: "local x = 1\nif x then")
            try folder.write("a.runtime", main: "\n\nerror('broken')")
            try folder.write("a.lib", main: "require 'lib.x'", files: ["lib/x.lua": "\nlocal = 1"])
            try folder.write("a.endless", main: "while true do end")
            try folder.write("a.permission", main: "", manifest: #""permissions": {"sockets": true}"#)
            try folder.write("a.big", main: "", manifest: #""limits": {"memory": "1GiB"}"#)
            try folder.write("a.greedy", main: "", manifest: #""permissions": {"kv": "2GiB"}"#)
            try folder.write("a.named", main: "", folder: "a.other")
            try folder.write("a.empty", files: ["README.md": ""])
            try folder.write("a.mode", main: "", manifest: #""modes": ["mirror"]"#)
            try folder.write("b.good", main: "perigee.test.say('good')")
        }
        #expect(await test.reason("a.syntax").contains("main.lua:2:"))
        #expect(await test.reason("a.runtime").contains("main.lua:3: broken"))
        #expect(await test.reason("a.lib").contains("lib/x.lua:2:"))
        #expect(await test.reason("a.endless").contains("CPU time"))
        #expect(
            await test.reason("a.permission").contains(
                "plugin.json:1: permissions.sockets: unknown permission"))
        #expect(await test.reason("a.big") == "plugin.json: limits.memory: this server allows at most 64MiB")
        #expect(
            await test.reason("a.greedy") == "plugin.json: permissions.kv: this server allows at most 1GiB")
        #expect(await test.reason("a.other").contains("should be called \"a.named-1.0.0\""))
        #expect(await test.reason("a.empty") == "plugin.json is missing")
        #expect(
            await test.state("a.mode") == .installed(reason: "runs in modes mirror; this node is a primary"))
        #expect(await test.state("b.good") == .enabled)
        #expect(test.tests.said == ["good"])
        #expect(await test.host.list().map(\.id).contains("a.syntax"))
        await test.stop()
    }

    @Test func `a packed plugin runs and an altered one is refused`() async throws {
        let manifest = #"{"id": "com.example.x", "version": "1.0.0", "api": 1}"#
        let good = TarBuilder.packed([
            "plugin.json": manifest, "main.lua": "perigee.test.say(perigee.test.id)",
        ])
        var altered = TarBuilder.packed([
            "plugin.json": manifest.replacing("example.x", with: "example.y"),
            "main.lua": "perigee.test.say('y')",
        ])
        if let place = altered.firstRange(of: Array("say('y')".utf8)) { altered[place.lowerBound + 5] = 0x7A }
        let test = try await TestHost { folder in
            try folder.write("com.example.x-1.0.0.plugin", bytes: good)
            try folder.write("com.example.y-1.0.0.plugin", bytes: altered)
            try folder.write("com.example.z-1.0.0.plugin", bytes: good)
            try folder.write("notes.txt", bytes: [1])
        }
        #expect(test.tests.said == ["com.example.x"])
        #expect(await test.state("com.example.x") == .enabled)
        #expect(await test.reason("com.example.y").contains("main.lua in MANIFEST.sha256: the file has"))
        #expect(
            await test.reason("com.example.z").contains("should be called \"com.example.x-1.0.0.plugin\""))
        #expect(await test.host.list().count == 3)
        await test.stop()
    }

    @Test func `a first-party id cannot be taken over and the highest version of others runs`() async throws {
        let test = try await TestHost(firstParty: { try $0.write("guard", main: "perigee.test.say('first')") }
        ) { folder in
            try folder.write(
                "guard-9.0.0",
                files: [
                    "plugin.json": #"{"id": "guard", "version": "9.0.0", "api": 1}"#,
                    "main.lua": "perigee.test.say(9)",
                ])
            for version in ["1.2.0", "1.10.0"] {
                try folder.write(
                    "com.example.x-\(version)",
                    files: [
                        "plugin.json": #"{"id": "com.example.x", "version": "\#(version)", "api": 1}"#,
                        "main.lua": "perigee.test.say('\(version)')",
                    ])
            }
        }
        #expect(test.tests.said == ["first", "1.10.0"])
        #expect(await test.host.detail("guard")?.summary.version == "1.0.0")
        #expect(
            await test.host.detail("guard")?.shadowed.first?.contains("a plugin of the distribution") == true)
        #expect(await test.host.detail("com.example.x")?.shadowed.first?.contains("1.2.0: not used") == true)
        await test.stop()
    }

    @Test func `plugins load after those that they name and first-party ones first`() async throws {
        let say = "perigee.test.say(perigee.test.id)"
        let test = try await TestHost(firstParty: { try $0.write("z.first", main: say) }) { folder in
            try folder.write("a.last", main: say, manifest: #""after": ["c.mid", "not.there"]"#)
            try folder.write("c.mid", main: say, manifest: #""after": ["d.early"]"#)
            try folder.write("d.early", main: say)
            try folder.write("e.ring", main: say, manifest: #""after": ["f.ring"]"#)
            try folder.write("f.ring", main: say, manifest: #""after": ["e.ring"]"#)
        }
        #expect(test.tests.said == ["z.first", "d.early", "c.mid", "a.last", "e.ring", "f.ring"])
        await test.stop()
    }

    @Test func `a missing permission is raised at the caller's line with what to add`() async throws {
        let test = try await TestHost { folder in
            try folder.write(
                "a.x",
                main:
                    "\nlocal _, x = pcall(function()\nperigee.test.store('k')\nend)\nperigee.test.say(x)"
            )
            try folder.write(
                "a.y", main: "perigee.test.say(perigee.test.store('k'))",
                manifest: #""permissions": {"kv": "1MiB"}"#)
        }
        let line = #""kv": "1MiB" in plugin.json, "permissions""#
        let expected = "main.lua:3: permission denied: perigee.test.store needs \(line)"
        #expect(test.tests.said.first?.stringValue == expected)
        #expect(test.tests.said.last == "stored")
        await test.stop()
    }

    @Test(arguments: [
        (
            "perigee.test.typed('x')",
            "bad argument #1 'count' to 'perigee.test.typed' (integer expected, got string)"
        ),
        (
            "perigee.test.typed()",
            "bad argument #1 'count' to 'perigee.test.typed' (integer expected, got no value)"
        ),
        ("perigee.test.typed({})", "(integer expected, got table)"),
        ("perigee.test.typed(1.5)", "(number has no integer representation)"),
        ("perigee.test.typed(print)", "count: a function cannot be stored"),
        ("perigee.test.typed(1, {prefx='x'})", "(unknown option 'prefx'; did you mean 'prefix'?)"),
        ("perigee.test.typed(1, {prefix=1})", "(prefix: string expected, got number)"),
        (
            "perigee.test.typed(1, 'x')",
            "bad argument #2 'options' to 'perigee.test.typed' (table expected, got string)"
        ),
        ("perigee.test.typed(1, {prefix=print})", "function"),
        (
            "perigee.test.on('k')",
            "bad argument #2 'handler' to 'perigee.test.on' (function expected, got no value)"
        ),
    ])
    func `a wrong argument is named with what was expected and what came`(
        code: String, expected: String
    ) async throws {
        let test = try await TestHost { folder in
            try folder.write(
                "a.x",
                main:
                    "local ok, text = pcall(function() \(code) end)\nperigee.test.say(ok and 'none' or text)"
            )
        }
        let text = test.tests.said.first?.stringValue ?? ""
        #expect(text.hasPrefix("main.lua:1: ") && text.contains(expected), "got: \(text)")
        await test.stop()
    }

    @Test func `registering after the main chunk is refused`() async throws {
        let test = try await TestHost { folder in
            try folder.write(
                "a.x",
                main: """
                    perigee.test.on("x:y", function()
                      local ok, text = pcall(perigee.test.on, "x:z", function() end)
                      perigee.test.say(text)
                    end)
                    """)
        }
        _ = await test.publish("x:y")
        #expect(
            test.tests.said.first?.stringValue?.contains("can only be called while the main chunk runs")
                == true)
        #expect(await test.host.detail("a.x")?.registrations == ["events.on x:y"])
        await test.stop()
    }

    @Test func `start handlers run once the node serves and stop handlers at its end`() async throws {
        let main = """
            perigee.test.on_start(function() perigee.test.say("start") end)
            perigee.test.on_stop(function() perigee.test.say("stop") end)
            perigee.test.say("main")
            """
        let test = try await TestHost(isServing: false) { folder in
            try folder.write("a.x", main: main)
            try folder.write("a.y", main: "perigee.test.on_start(function()\nerror('no') end)")
        }
        #expect(test.tests.said == ["main"])
        await test.host.announceServing()
        #expect(test.tests.said == ["main", "start"])
        #expect(await test.reason("a.y").contains("main.lua:2: no"))
        await test.stop()
        #expect(test.tests.said == ["main", "start", "stop"])
        await test.host.stop()
    }
}
