import LuaRuntime
import Portable
import Testing

/// What Lua code can reach.
@Suite struct EnvironmentTests {
    @Test(arguments: [
        "io", "os", "debug", "package", "load", "loadstring", "loadfile", "dofile", "collectgarbage",
        "string.dump",
        "(''):reverse().dump",
    ])
    func `what could leave the sandbox is absent`(name: String) async throws {
        #expect(try await TestState.run("return \(name) == nil") == [true])
    }

    @Test func `globals are exactly the allowed ones`() async throws {
        let names = try await TestState.run(
            """
            local names = {}
            for name in pairs(_G) do names[#names + 1] = name end
            table.sort(names)
            return names
            """
        )
        let expected = """
            _G _VERSION assert coroutine error getmetatable ipairs math next pairs pcall print rawequal \
            rawget rawlen rawset require select setmetatable string table test tonumber tostring type \
            utf8 warn xpcall
            """
        #expect(names == [.list(expected.split(separator: " ").map { .string(String($0)) })])
    }

    @Test func `finalizers are refused`() async throws {
        let results = try await TestState.run(
            "return pcall(setmetatable, {}, {__gc = print})")
        #expect(results == [false, "`__gc` is not available"])
    }

    @Test func `the metatable of strings is out of reach`() async throws {
        let results = try await TestState.run(
            """
            local upper = string.upper
            string.upper = nil
            local ok = pcall(function() return ('x'):upper() end)
            return getmetatable(''), ok, upper('x')
            """)
        #expect(results == [.null, false, "X"])
    }

    @Test func `texts show no addresses but tell objects apart`() async throws {
        let results = try await TestState.run(
            """
            local a, b = {}, {}
            return tostring(a) == tostring(a), tostring(a) ~= tostring(b), ('%s'):format(a) == tostring(a),
              tostring(a) == 'table: ' .. ('%p'):format(a)
            """)
        #expect(results == [true, true, true, true])
    }

    @Test func `modules of the host cannot be changed`() async throws {
        let results = try await TestState.run(
            """
            local a = pcall(function() test.on = nil end)
            local b = pcall(rawset, test, 'on', print)
            local names = {}
            for name in pairs(test) do names[#names + 1] = name end
            return a, b, next(test), getmetatable(test), names
            """)
        #expect(results == [false, false, .null, false, ["on"]])
    }

    @Test func `constants and index functions are read as fields`() async throws {
        let config = LuaHostFunction(
            path: "test.config",
            kind: .index { key in
                if key == "bad" { throw LuaHostError.misuse("no setting is named 'bad'") }
                return key == "interval" ? 900 : .null
            })
        let function = LuaHostFunction(path: "test.config.repository", kind: .immediate { _, _ in ["yes"] })
        let results = try await TestState.run(
            "return test.plugin.id, test.config.interval, test.config.other, test.config.repository(), "
                + "pcall(function() return test.config.bad end)",
            functions: [config, function],
            constants: ["test.plugin.id": "com.example", "test.plugin.tags": ["a", "b"]])
        #expect(
            results == ["com.example", 900, .null, "yes", false, "main.lua:1: no setting is named 'bad'"])
    }

    @Test func `print and warn go to the log with their place`() async throws {
        let test = try TestState("print('a', 1, nil, true)\nwarn('b', 'c')\nprint(('x'):rep(20000))")
        try await test.load()
        let lines = test.lines.all
        #expect(lines.map(\.source) == [.print, .warn, .print])
        #expect(lines[0].message == "a\t1\tnil\ttrue")
        #expect(lines[0].position == "main.lua:1")
        #expect(lines[1].message == "bc")
        #expect(lines[2].message.utf8.count < 8300)
        #expect(lines[2].message.hasSuffix(" ... (cut)"))
        await test.state.close()
    }

    @Test func `require finds the plugin's own sources once`() async throws {
        let results = try await TestState.run(
            "local a = require 'lib.x' local b = require 'lib.x' return a == b, a.name, a.count()",
            sources: [
                "lib/x.lua":
                    "local n = 0 local M = {name = ...} function M.count() n = n + 1 return n end return M"
            ])
        #expect(results == [true, "lib.x", 1])
    }

    @Test(arguments: [
        "os", "../main", "/etc/passwd", "lib/x", "lib..x", ".lib", "", "lib.", "lib.\\0x", "lib.absent",
    ])
    func `require refuses everything else`(name: String) async throws {
        let results = try await TestState.run("return pcall(require, '\(name)')", sources: ["lib/x.lua": ""])
        #expect(results.first == false)
    }

    @Test func `a module that requires itself is a clear error`() async throws {
        let results = try await TestState.run(
            "return pcall(require, 'a')",
            sources: ["a.lua": "return require 'b'", "b.lua": "return require 'a'"])
        #expect(results == [false, "b.lua:1: module 'a' requires itself, directly or through another"])
    }

    @Test func `a module with a syntax error names its file and line`() async throws {
        let error = await #expect(throws: LuaError.self) {
            _ = try await TestState.run("\nrequire 'lib.x'", sources: ["lib/x.lua": "\nlocal = 1"])
        }
        #expect(
            error?.description == """
                main.lua:2: module 'lib.x' cannot be loaded: lib/x.lua:2: <name> expected near '='
                """)
    }

    @Test func `binary chunks and too large sources are refused`() async throws {
        for main in ["\u{1b}Lua", String(repeating: " ", count: 300 << 10)] {
            let test = try TestState(main)
            let error = await #expect(throws: LuaError.self) { try await test.load() }
            guard case .syntax = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
    }

    @Test func `coroutines behave as in stock Lua`() async throws {
        let results = try await TestState.run(
            """
            local co = coroutine.create(function(a, b)
              local c = coroutine.yield(a + b)
              error({c = c})
            end)
            local r = {coroutine.status(co)}
            local ok, sum = coroutine.resume(co, 1, 2)
            r[#r + 1] = sum
            r[#r + 1] = coroutine.status(co)
            local failed, e = coroutine.resume(co, 'x')
            r[#r + 1] = e.c
            r[#r + 1] = coroutine.status(co)
            r[#r + 1] = select(2, coroutine.resume(co))
            r[#r + 1] = coroutine.isyieldable()
            r[#r + 1] = select(2, pcall(coroutine.yield))
            local main, is_main = coroutine.running()
            r[#r + 1] = is_main
            r[#r + 1] = select(2, coroutine.resume(main))
            r[#r + 1] = coroutine.wrap(function() return coroutine.isyieldable() end)()
            r[#r + 1] = coroutine.close(coroutine.create(print))
            return r
            """)
        #expect(
            results == [
                [
                    "suspended", 3, "suspended", "x", "dead", "cannot resume dead coroutine", false,
                    "attempt to yield from outside a coroutine", true,
                    "cannot resume non-suspended coroutine", true, true,
                ]
            ])
    }

    @Test func `protected calls behave as in stock Lua`() async throws {
        let results = try await TestState.run(
            """
            local a, b, c = pcall(function(...) return ... end, 1, 2)
            local ok, handled = xpcall(function(x) error(x, 0) end, function(e) return e .. '!' end, 'no')
            local fine, sum = xpcall(function(x, y) return x + y end, print, 3, 4)
            return a, b, c, ok, handled, fine, sum, (pcall(error)), (select('#', pcall(error, nil)))
            """)
        #expect(results == [true, 1, 2, false, "no!", true, 7, false, 2])
    }
}
