import LuaRuntime
import Portable
import Synchronization
import Testing

/// Calls from Lua into the host: each kind, from each place.
@Suite struct HostCallTests {
    static let echo = LuaHostFunction(
        path: "test.echo", parameterNames: ["value"], kind: .immediate { arguments, _ in arguments.values })
    static let wait = LuaHostFunction(
        path: "test.wait",
        kind: .waiting { arguments, _ in
            await Task.yield()
            return arguments.values
        })

    @Test func `values keep their kinds on the way out and back`() async throws {
        let results = try await TestState.run(
            """
            local v = {i = 1, f = 1.0, big = math.mininteger, max = math.maxinteger, s = 'text', t = true,
              l = {1, 'two', {3}},              raw = '\\xff\\x00', empty = {}, neg = -33, many = {}}
            for i = 1, 40000 do v.many[i] = i & 1 end
            local b = test.echo(v)
            return math.type(b.i), math.type(b.f), b.big == math.mininteger, b.max == math.maxinteger, b.s,
              b.t, b.l[3][1],              b.raw == '\\xff\\x00', next(b.empty) == nil, b.neg, #b.many
            """, functions: [Self.echo])
        #expect(results == ["integer", "float", true, true, "text", true, 3, true, true, -33, 40000])
    }

    @Test func `bytes that are no text arrive as bytes`() async throws {
        let results = try await TestState.run("return '\\xff', 'ok', {}, {1}")
        #expect(results == [.bytes([0xff]), "ok", [:], [1]])
        #expect(LuaArguments.list([:]) == [])
        #expect(LuaArguments.list(["a": 1]) == nil)
    }

    @Test(arguments: [
        ("{1, nil, 3}", "value: a sparse list cannot be stored"),
        ("{1, x = 2}", "value: a table of both list items and named fields cannot be stored"),
        ("{[1.5] = 1}", "value: a table whose keys are neither all strings nor 1 to n cannot be stored"),
        ("{{}, {}, {owner = print}}", "value[3].owner: a function cannot be stored"),
        ("{a = setmetatable({}, {})}", "value.a: a table with a metatable cannot be stored"),
        ("coroutine.create(print)", "value: a coroutine cannot be stored"),
        ("0/0", "value: a number that is not finite cannot be stored"),
        ("{['\\xff'] = 1}", "value: a table with a key that is not UTF-8 cannot be stored"),
        ("('x'):rep(300000)", "arguments larger than 262144 bytes cannot be passed"),
        (
            "(function() local t = {} t.t = t return t end)()",
            "value.t: a table that contains itself cannot be stored"
        ),
    ])
    func `what is no plain data is refused at the caller's line`(value: String, message: String) async throws
    {
        let results = try await TestState.run(
            "\nreturn pcall(function() test.echo(\n\(value)) end)", functions: [Self.echo])
        #expect(results.first == false)
        let text = results.last?.stringValue ?? ""
        #expect(text.hasPrefix("main.lua:") && text.hasSuffix(": " + message), "\(text)")
    }

    @Test func `nesting deeper than 32 tables is refused`() async throws {
        let results = try await TestState.run(
            "local function nest(n) local t = {} for i = 2, n do t = {t} end return t end "
                + "local function ok(n) return (pcall(test.echo, nest(n))) end "
                + "return ok(32), ok(33), ok(100000)",
            functions: [Self.echo])
        #expect(results == [true, false, false])
    }

    @Test func `what a run returns must be plain data`() async throws {
        let error = await TestState.failure("return {1, {owner = print}}")
        #expect(error == .invalidResult(message: "result[2].owner: a function cannot be stored"))
    }

    @Test func `misuse raises and outcomes are returned`() async throws {
        @Sendable func fail(_ arguments: LuaArguments) throws -> [PortableValue] {
            if arguments[0] == "misuse" { throw LuaHostError.misuse("bad argument #1 to 'test.fail'") }
            throw LuaHostError.outcome("not_found", "no such thing")
        }
        let functions = [
            LuaHostFunction(path: "test.now", kind: .immediate { arguments, _ in try fail(arguments) }),
            LuaHostFunction(path: "test.later", kind: .waiting { arguments, _ in try fail(arguments) }),
        ]
        for name in ["now", "later"] {
            let results = try await TestState.run(
                "local n, e = test.\(name)('x')\nreturn n, e.code, e.message, "
                    + "pcall(function() test.\(name)('misuse') end)",
                functions: functions)
            #expect(
                results == [
                    .null, "not_found", "no such thing", false, "main.lua:2: bad argument #1 to 'test.fail'",
                ])
        }
    }

    @Test func `waiting calls work from every place that can wait`() async throws {
        let results = try await TestState.run(
            """
            local r = {test.wait(1)}
            r[#r + 1] = select(2, pcall(test.wait, 2))
            r[#r + 1] = select(2, xpcall(test.wait, print, 3))
            local co = coroutine.wrap(function(a)
              local b = test.wait(a)
              coroutine.yield(b)
              return (select(2, pcall(function() return test.wait(5) end)))
            end)
            r[#r + 1] = co(4)
            r[#r + 1] = co()
            local t = setmetatable({}, {__index = function(_, k) return test.wait(k) end,
              __add = function(_, b) return test.wait(b) end, __eq = function() return test.wait(true) end})
            r[#r + 1] = t.six
            r[#r + 1] = t + 7
            r[#r + 1] = t == setmetatable({}, getmetatable(t))
            local n = 7
            for x in function() n = n + 1 return test.wait(n < 10 and n or nil) end do r[#r + 1] = x end
            local nested = coroutine.wrap(function()
              local deeper = coroutine.wrap(function() return coroutine.wrap(test.wait)('deep') end)
              return deeper()
            end)
            r[#r + 1] = nested()
            local function close() r[#r + 1] = test.wait('closed') end
            do local c <close> = setmetatable({}, {__close = close}) end
            local sorted = {3, 1, 2}
            table.sort(sorted, function(a, b) return test.wait(a) < test.wait(b) end)
            r[#r + 1] = table.concat(sorted)
            r[#r + 1] = ('a-b'):gsub('%w', function(c) return coroutine.wrap(test.wait)(c .. c) end)
            r[#r + 1] = tostring(setmetatable({}, {__tostring = function() return test.wait('text') end}))
            return r
            """, functions: [Self.wait])
        #expect(
            results == [
                [1, 2, 3, 4, 5, "six", 7, true, 8, 9, "deep", "closed", "123", "aa-bb", "text"]
            ])
    }

    @Test(arguments: [
        "('a'):gsub('a', setmetatable({}, {__index = function() test.wait(1) end}))",
        "local co = coroutine.wrap(function() test.wait(1) end) "
            + "table.concat(setmetatable({}, {__index = co}), '', 1, 1)",
        "('%s'):format(setmetatable({}, {__tostring = function() test.wait(1) return 'x' end}))",
    ])
    func `a waiting call from a place that cannot wait says so`(body: String) async throws {
        let error = await TestState.failure(body, functions: [Self.wait])
        #expect(error?.description.contains("'test.wait' waits and cannot be called here") == true)
    }

    @Test func `two runs interleave where they wait`() async throws {
        let gate = Gate()
        let wait = LuaHostFunction(
            path: "test.gate",
            kind: .waiting { arguments, _ in
                await gate.pass()
                return arguments.values
            })
        let test = try TestState(
            """
            local order = {}
            test.on('f', function(n) order[#order + 1] = n local r = test.gate(n) return r, #order end)
            """,
            functions: [wait])
        try await test.load()
        let calls = (1...5).map { number in Task { try await test.call("f", .integer(Int64(number))) } }
        await gate.waitForArrivals(5)
        await gate.open()
        for (index, call) in calls.enumerated() {
            #expect(try await call.value == [.integer(Int64(index + 1)), 5])
        }
        await test.state.close()
    }

    @Test func `a coroutine that waits for the host cannot be resumed by another run`() async throws {
        let gate = Gate()
        let wait = LuaHostFunction(
            path: "test.gate",
            kind: .waiting { _, _ in
                await gate.pass()
                return ["answer"]
            })
        let test = try TestState(
            """
            local co = coroutine.create(function() return test.gate() end)
            test.on('f', function() return coroutine.resume(co) end)
            test.on('g', function() return coroutine.status(co), coroutine.resume(co) end)
            test.on('h', function() return pcall(coroutine.close, co) end)
            """, functions: [wait])
        try await test.load()
        let first = Task { try await test.call("f") }
        await gate.waitForArrivals(1)
        #expect(try await test.call("g") == ["normal", false, "cannot resume non-suspended coroutine"])
        #expect(try await test.call("h") == [false, "cannot close a normal coroutine"])
        await gate.open()
        #expect(try await first.value == [true, "answer"])
        await test.state.close()
    }

    @Test func `the context of a call reaches its host functions`() async throws {
        let seen = Mutex<[String]>([])
        let note: @Sendable (LuaCallContext) -> Void = { context in
            seen.withLock {
                $0.append("\(context.callerContext as? String ?? "-") \(context.position ?? "-")")
            }
        }
        let functions = [
            LuaHostFunction(
                path: "test.now", wantsPosition: true,
                kind: .immediate { _, context in
                    note(context)
                    return []
                }),
            LuaHostFunction(
                path: "test.later", wantsPosition: true,
                kind: .waiting { _, context in
                    note(context)
                    return []
                }),
        ]
        let test = try TestState(
            "test.on('f', function()\ntest.now()\ntest.later()\ntest.now() end)", functions: functions)
        try await test.load()
        _ = try await test.call("f", context: "push 7")
        #expect(seen.withLock { $0 } == ["push 7 main.lua:2", "push 7 main.lua:3", "push 7 main.lua:4"])
        await test.state.close()
    }

    @Test func `ten thousand coroutines that call make one call at a time`() async throws {
        let now = Atomic<Int>(0)
        let most = Atomic<Int>(0)
        let wait = LuaHostFunction(
            path: "test.count",
            kind: .waiting { _, _ in
                let count = now.add(1, ordering: .relaxed).newValue
                most.max(count, ordering: .relaxed)
                await Task.yield()
                now.subtract(1, ordering: .relaxed)
                return []
            })
        let results = try await TestState.run(
            """
            local all, done = {}, 0
            for i = 1, 10000 do
              all[i] = coroutine.create(function()
                test.count()
                coroutine.yield()
                test.count()
                done = done + 1
              end)
            end
            for turn = 1, 2 do for i = 1, #all do coroutine.resume(all[i]) end end
            return done
            """, limits: LuaLimits(handlerCPU: .seconds(60)), functions: [wait])
        #expect(results == [10_000])
        #expect(most.load(ordering: .relaxed) == 1)
    }

    @Test func `a reply that the state has no memory for fails that call alone`() async throws {
        let big = String(repeating: "x", count: 200_000)
        let functions = [
            LuaHostFunction(path: "test.big", kind: .waiting { _, _ in [.string(big)] }),
            LuaHostFunction(path: "test.now", kind: .immediate { _, _ in [.string(big)] }),
            LuaHostFunction(
                path: "test.huge",
                kind: .waiting { _, _ in [.list(Array(repeating: .string(big), count: 3))] }),
        ]
        for name in ["big", "now"] {
            let limits = LuaLimits(memoryBytesMax: 150_000)
            let results = try await TestState.run(
                "local ok, why = pcall(test.\(name)) return ok, why, #('still'):rep(10)", limits: limits,
                functions: functions)
            #expect(results == [false, "not enough memory", 50])
            #expect(
                await TestState.failure("test.\(name)()", limits: limits, functions: functions)
                    == .outOfMemory(limit: 150_000))
        }
        let results = try await TestState.run(
            "local ok, why = pcall(test.huge) return ok, why, #test.big()", functions: functions)
        #expect(results.first == false && results.last == 200_000)
        #expect(results[1].stringValue?.contains("test.huge") == true, "\(results[1])")
    }
}
