import LuaRuntime
import Portable
import Synchronization
import Testing

/// Hostile plugins as "The Lua sandbox: what holds, what does not, and the hostile suite" numbers them, each
/// against a real state: it ends, as stated, and the state or its neighbour goes on.
@Suite struct HostileCaseTests {
    private static let limits = LuaLimits(handlerCPU: .milliseconds(50))
    private static let spin = "local function spin() while true do end end\n"

    @Test(arguments: [
        (1, "while true do end"),
        (2, "while true do pcall(spin) end"),
        (3, "xpcall(spin, spin)"),
        (3, "xpcall(error, spin)"),
        (3, "xpcall(function() local t = nil; return t.x end, function() xpcall(spin, spin) end)"),
        (4, "table.sort({3, 1, 2}, function() while true do pcall(spin) end end)"),
        (4, "while true do pcall(table.sort, {3, 1, 2}, function() spin() end) end"),
        (5, "('aaa'):gsub('a', function() while true do pcall(spin) end end)"),
        (5, "while true do pcall(string.gsub, 'aaa', 'a', spin) end"),
        (7, "for _ in function() return 1 end do end"),
        (7, "for _ in function() return pcall(error) end do end"),
        (10, "local x <close> = setmetatable({}, {__close = spin}) spin()"),
        (10, "for i = 1, 190 do local x <close> = setmetatable({}, {__close = spin}) end"),
        (10, "while true do pcall(function() local x <close> = setmetatable({}, {__close = error}) end) end"),
        (
            12,
            "local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = spin}) "
                + "coroutine.yield() end) coroutine.resume(co) while true do pcall(coroutine.close, co) end"
        ),
    ])
    func `an endless run ends with its budget and its neighbour goes on`(
        number: Int, body: String
    )
        async throws
    {
        let test = try TestState(
            "\(Self.spin) test.on('f', function() \(body)\nend) test.on('g', function(x) return x end)",
            limits: Self.limits)
        let neighbour = try TestState("test.on('f', function(x) return x end)")
        try await test.load()
        try await neighbour.load()
        async let ended = Self.outcome(of: test)
        #expect(try await neighbour.call("f", 7) == [7])
        #expect(await ended == .timeout(limit: .milliseconds(50)))
        #expect(try await test.call("g", 8) == [8])
        #expect(test.state.statistics().kills == ["timeout": 1])
        #expect(!test.state.statistics().isAbandoned)
        await test.state.close()
        #expect(test.state.statistics().heapBytes == 0)
    }

    /// Trees of coroutines, each shorter than any count that a hook could have: 0.1 s became 6 s once.
    @Test(arguments: [
        "local function tree(n) if n > 0 then for i = 1, 8 do coroutine.wrap(tree)(n - 1) end end end "
            + "while true do tree(5) end",
        "local function tree(n) if n > 0 then for i = 1, 8 do pcall(coroutine.wrap(tree), n - 1) end end "
            + "error() end while true do pcall(tree, 5) end",
        "local function pass() for i = 1, 20 do coroutine.yield() end end "
            + "while true do local co = coroutine.wrap(function() local c = coroutine.wrap(pass) "
            + "for i = 1, 20 do c() coroutine.yield() end end) for i = 1, 20 do co() end end",
        "local co = coroutine.create(function() while true do coroutine.yield() end end) "
            + "while true do coroutine.resume(co) end",
        "while true do local co = coroutine.create(function() local x <close> = setmetatable({}, "
            + "{__close = function() end}) coroutine.yield() end) coroutine.resume(co) "
            + "coroutine.close(co) end",
        "table.sort({1, 2, 3}, function() while true do "
            + "coroutine.wrap(function() coroutine.wrap(function() end)() end)() end end)",
    ])
    func `short coroutines do not stretch the budget`(body: String) async throws {
        let test = try TestState("test.on('f', function() \(body)\nend)", limits: Self.limits)
        try await test.load()
        let before = test.state.statistics().cpuNanoseconds
        #expect(await Self.outcome(of: test) == .timeout(limit: .milliseconds(50)))
        // 150 ms over it the state would have been left as it was.
        #expect(test.state.statistics().cpuNanoseconds - before < 200_000_000)
        #expect(!test.state.statistics().isAbandoned)
        await test.state.close()
    }

    @Test func `a suspended coroutine's closing method does not run at unload`() async throws {
        let test = try TestState(
            """
            local co = coroutine.create(function()
              local x <close> = setmetatable({}, {__close = function() print('closed') while true do end end})
              coroutine.yield()
            end)
            test.on('f', function() return coroutine.resume(co) end)
            """)
        try await test.load()
        #expect(try await test.call() == [true])
        await test.state.close()
        #expect(test.lines.all.isEmpty && test.state.statistics().heapBytes == 0)
    }

    @Test func `what a run that was ended left behind is not gone on with`() async throws {
        let test = try TestState(
            """
            local co, count = nil, 0
            test.on('f', function()
              co = coroutine.create(function() while true do count = count + 1 end end)
              coroutine.resume(co)
            end)
            test.on('g', function()
              local before = count
              return coroutine.status(co), coroutine.resume(co), (pcall(coroutine.close, co)), count == before
            end)
            """, limits: Self.limits)
        try await test.load()
        #expect(await Self.outcome(of: test) == .timeout(limit: .milliseconds(50)))
        #expect(try await test.call("g") == ["normal", false, false, true])
        await test.state.close()
    }

    @Test func `a full heap is given back`() async throws {
        let test = try TestState(
            """
            test.on('f', function()
              local all = {}
              pcall(function() while true do all = {all, {}, {}} end end)
              kept = all
            end)
            """, limits: LuaLimits(memoryBytesMax: 64 << 20, handlerCPU: .seconds(60)))
        try await test.load()
        _ = try await test.call()
        #expect(test.state.statistics().heapBytes > 60 << 20)
        #expect(test.state.statistics().heapPeakBytes <= 64 << 20)
        await test.state.close()
        #expect(test.state.statistics().heapBytes == 0)
    }

    @Test func `a log message of a million lines is cut with a mark`() async throws {
        let test = try TestState("print(('line\\n'):rep(200000)) warn(('x'):rep(1000000))")
        try await test.load()
        #expect(test.lines.all.count == 2)
        for line in test.lines.all {
            #expect(line.message.utf8.count < 8300 && line.message.hasSuffix("(cut)"))
        }
        await test.state.close()
    }

    /// The collector's last phase is one C function; tables that weakly name each other, in no order, make it
    /// take quadratic time (lgc.c, convergeephemerons). No hook is reached there.
    @Test func `a run that makes the collector slow loses its state and nothing else`() async throws {
        let test = try TestState(
            """
            test.on('f', function()
              local keys, order, tables, weak = {}, {}, {}, {__mode = 'k'}
              local n = 60000
              for i = 1, n + 1 do keys[i] = {} end
              for i = 1, n do order[i] = i end
              for i = n, 2, -1 do
                local j = math.random(i)
                order[i], order[j] = order[j], order[i]
              end
              for i = 1, n do tables[i] = setmetatable({[keys[order[i]]] = keys[order[i] + 1]}, weak) end
              local first = keys[1]
              keys, order = nil, nil
              while true do local garbage = {first} end
            end)
            """, limits: LuaLimits(handlerCPU: .milliseconds(500)))
        let neighbour = try TestState("test.on('f', function(x) return x end)")
        try await test.load()
        try await neighbour.load()
        #expect(await Self.outcome(of: test) == .timeout(limit: .milliseconds(500)))
        let statistics = test.state.statistics()
        #expect(statistics.isAbandoned && statistics.kills == ["timeout": 1] && statistics.heapBytes == 0)
        await #expect(throws: LuaError.closed) { _ = try await test.call() }
        #expect(try await neighbour.call("f", 1) == [1])
        await test.state.close()
    }

    private static func outcome(of test: TestState) async -> LuaError? {
        do {
            _ = try await test.call()
            return nil
        } catch {
            return error as? LuaError
        }
    }
}
