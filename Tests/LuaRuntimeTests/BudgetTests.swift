import LuaRuntime
import Portable
import Testing

/// Whatever a run does, it ends with its budget.
@Suite struct BudgetTests {
    private static let limits = LuaLimits(handlerCPU: .milliseconds(50))

    static let endless: [String] = [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "local function s() while true do end end while true do xpcall(s, s) end",
        "local function s() while true do end end xpcall(error, s)",
        "table.sort({3, 2, 1}, function() while true do pcall(function() while true do end end) end end)",
        "('aaa'):gsub('a', function() while true do pcall(function() while true do end end) end end)",
        "for _ in function() return 1 end do end",
        "local function rec(n) if n > 0 then for i = 1, 10 do coroutine.wrap(rec)(n - 1) end end end "
            + "while true do rec(4) end",
        "local function rec() local c = coroutine.wrap(rec) pcall(c) while true do end end rec()",
        "local x <close> = setmetatable({}, {__close = function() while true do end end}) while true do end",
        "do local x <close> = setmetatable({}, {__close = function() while true do end end}) end",
        "local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = function() "
            + "while true do pcall(function() while true do end end) end end}) coroutine.yield() end) "
            + "coroutine.resume(co) while true do pcall(coroutine.close, co) end",
        "local co = coroutine.wrap(function() local x <close> = setmetatable({}, {__close = function() "
            + "while true do end end}) error('x') end) while true do pcall(co) end",
        "table.sort({3, 2, 1}, function() local c = coroutine.wrap(function() while true do end end) "
            + "while true do pcall(c) end end)",
        "local f; f = function() return f() end f()",
        "while true do coroutine.wrap(function() for i = 1, 100 do coroutine.yield(i) end end)() end",
    ]

    @Test(arguments: endless) func `an endless run ends with its budget`(body: String) async {
        let error = await TestState.failure(body, limits: Self.limits)
        #expect(error == .timeout(limit: .milliseconds(50)))
    }

    @Test(arguments: [
        "tostring(t)", "return t.x", "t.x = 1", "return t == setmetatable({}, m)", "return t < t",
        "return t .. 'a'",
        "return #t", "t()", "for _ in pairs(t) do end", "return t + 1", "return -t", "return t[1] & 1",
        "print(t)",
        "return ('%s'):format(t)", "return t <= t",
    ])
    func `an endless metamethod ends with its budget`(use: String) async {
        let error = await TestState.failure(
            """
            local m = {}
            local spin = function() while true do pcall(function() while true do end end) end end
            for name in ('tostring index newindex eq lt le concat len call pairs add unm'):gmatch('%a+') do
              m['__' .. name] = spin
            end
            local t = setmetatable({}, m)
            \(use)
            """, limits: Self.limits)
        #expect(error == .timeout(limit: .milliseconds(50)))
    }

    @Test func `an endless main chunk ends with the load budget`() async throws {
        let test = try TestState("while true do end", limits: LuaLimits(loadCPU: .milliseconds(30)))
        await #expect(throws: LuaError.timeout(limit: .milliseconds(30))) { try await test.load() }
        #expect(test.state.statistics().kills == ["timeout": 1])
    }

    @Test func `a run uses at most 50 ms more than its budget`() async throws {
        let test = try TestState(
            "test.on('f', function() while true do pcall(function() while true do end end) end end)",
            limits: Self.limits)
        try await test.load()
        var least = Int64.max
        // The thread that ends a run may itself have to wait for a processor: of several times, the best.
        for _ in 0..<20 where least >= 100_000_000 {
            let before = test.state.statistics().cpuNanoseconds
            await #expect(throws: LuaError.self) { _ = try await test.call() }
            least = min(least, test.state.statistics().cpuNanoseconds - before)
            // The clock that a turn begins with may be a millisecond old.
            #expect(least >= 45_000_000)
        }
        #expect(least < 100_000_000)
        await test.state.close()
    }

    @Test func `a state goes on after one of its runs was ended`() async throws {
        let test = try TestState(
            """
            local count = 0
            test.on('spin', function() while true do count = count + 1 end end)
            test.on('f', function() return count > 0, 'fine' end)
            """, limits: Self.limits)
        try await test.load()
        await #expect(throws: LuaError.self) { _ = try await test.call("spin") }
        #expect(try await test.call() == [true, "fine"])
        #expect(test.state.statistics().kills == ["timeout": 1])
        await test.state.close()
    }

    @Test func `other states have their turns while one spins`() async throws {
        let pool = LuaThreadPool(threads: 1, name: "one")
        let spinning = try TestState(
            "test.on('f', function() while true do end end)", limits: LuaLimits(handlerCPU: .seconds(600)),
            pool: pool)
        let other = try TestState("test.on('f', function(x) return x end)", pool: pool)
        try await spinning.load()
        try await other.load()
        async let spin: Void = { _ = try? await spinning.call() }()
        for number in 0..<10 {
            #expect(try await other.call("f", .integer(Int64(number))) == [.integer(Int64(number))])
        }
        #expect(spinning.state.statistics().kills.isEmpty)  // the others did not wait for its end
        await spinning.state.close()
        await spin
        await other.state.close()
        pool.stop()
    }

    @Test func `a long run within its budget ends well`() async throws {
        let results = try await TestState.run(
            "local n = 0 for i = 1, 3000000 do n = n + i % 7 end return n",
            limits: LuaLimits(handlerCPU: .seconds(20), slice: .milliseconds(2)))
        #expect(results == [.integer(8_999_997)])
    }

    @Test func `a run that was cancelled from outside ends`() async throws {
        let test = try TestState(
            "test.on('f', function() while true do end end)", limits: LuaLimits(handlerCPU: .seconds(600)))
        try await test.load()
        let task = Task { try await test.call() }
        task.cancel()
        await #expect(throws: LuaError.killed(reason: "cancelled")) { _ = try await task.value }
        await test.state.close()
    }
}
