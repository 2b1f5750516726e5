import LuaRuntime
import Portable
import Testing

/// What authors and operators read when something goes wrong.
@Suite struct ErrorTests {
    @Test func `a syntax error names file and line`() async throws {
        let test = try TestState("local a = 1\nlocal b = = 2")
        await #expect(throws: LuaError.syntax(message: "main.lua:2: unexpected symbol near '='")) {
            try await test.load()
        }
    }

    @Test func `tracebacks lead through coroutines and files`() async throws {
        let test = try TestState(
            """
            local x = require 'lib.x'
            local co = coroutine.wrap(function()
              x.fail()
            end)
            co()
            """, sources: ["lib/x.lua": "local M = {}\nfunction M.fail()\n  error('boom')\nend\nreturn M"])
        let error = await #expect(throws: LuaError.self) { try await test.load() }
        guard case .runtime(let message, let traceback) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(message == "main.lua:5: lib/x.lua:3: boom")
        for place in ["lib/x.lua:3:", "main.lua:3:", "main.lua:5:"] {
            #expect(traceback.contains(place), "\(traceback)")
        }
        #expect(!traceback.contains("0x"))
    }

    @Test(arguments: [
        ("coroutine.wrap(fail)()", "quota: too much"),
        ("local co = coroutine.create(fail) local _, e = coroutine.resume(co) error(e)", "quota: too much"),
        ("coroutine.wrap(function() coroutine.wrap(fail)() end)()", "quota: too much"),
        ("local _, e = pcall(coroutine.wrap(fail)) error(e)", "quota: too much"),
        ("local _, e = coroutine.resume(coroutine.create(told)) error(e)", "main.lua:3: main.lua:2: told"),
        ("local _, e = coroutine.resume(coroutine.create(told)) error(e, 0)", "main.lua:2: told"),
    ])
    func `tracebacks lead through coroutines for errors of any kind`(body: String, message: String) async {
        let error = await TestState.failure(
            """
            local function fail() error({code = 'quota', message = 'too much'}) end
            local function told() error('told') end
            \(body)
            """)
        guard case .runtime(let text, let traceback) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(text == message)
        for place in [body.contains("told") ? "main.lua:2:" : "main.lua:1:", "main.lua:3:"] {
            #expect(traceback.contains(place), "\(traceback)")
        }
    }

    @Test(arguments: [
        ("error(nil)", "nil"), ("error()", "nil"), ("error(12)", "12"),
        ("error(true)", "(error object is a boolean value)"),
        ("error({})", "(error object is a table value)"),
        ("error(print)", "(error object is a function value)"),
        ("error({code = 'quota', message = 'too much'})", "quota: too much"),
        (
            "error(setmetatable({}, {__tostring = function() while true do end end, __name = 'forged'}))",
            "(error object is a table value)"
        ),
        (
            "error(setmetatable({}, {__index = function() while true do end end}))",
            "(error object is a table value)"
        ),
    ])
    func `error objects of any kind are shown safely`(body: String, message: String) async {
        let error = await TestState.failure(body)
        #expect(error?.description == message)
    }

    @Test func `long messages are cut with a mark`() async {
        let message = await TestState.failure("error(('€'):rep(100000), 0)")?.description ?? ""
        #expect(message.utf8.count < 8300)
        #expect(message.hasSuffix("€ ... (cut)"))
        #expect(!message.contains("\u{fffd}"))
    }

    @Test func `an error that was caught does not lengthen a later traceback`() async throws {
        let error = await TestState.failure(
            "pcall(coroutine.wrap(function() error('first') end))\n"
                + "pcall(coroutine.wrap(function() error({}) end))\nerror({})")
        guard case .runtime(_, let traceback) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(traceback.split(separator: "stack traceback:", omittingEmptySubsequences: false).count == 2)
    }

    @Test func `functions of another state and released ones are refused`() async throws {
        let first = try TestState("test.on('f', function() return 1 end)")
        let second = try TestState("test.on('f', function() return 2 end)")
        try await first.load()
        try await second.load()
        let function = try first.handed.function("f")
        await #expect(throws: LuaError.self) { _ = try await second.state.call(function, []) }
        await first.state.release(function)
        await #expect(throws: LuaError.hostFailure(message: "there is no such function any more")) {
            _ = try await first.state.call(function, [])
        }
        #expect(try await second.call() == [2])
    }

    @Test func `functions inside options reach only those that take them`() async throws {
        let places = Places()
        let define = LuaHostFunction(
            path: "test.define", acceptsFunctions: true,
            kind: .immediate { arguments, _ in
                places.set(arguments.functions.keys.sorted(), arguments.values)
                return []
            })
        _ = try await TestState.run(
            "test.define('n', {process = function() end, steps = {print, {run = print}}, batch = 3})",
            functions: [define])
        #expect(places.names == ["2.process", "2.steps.1", "2.steps.2.run"])
        #expect(places.values[1]["process"] == .null)
        #expect(places.values[1]["batch"] == 3)
    }
}
