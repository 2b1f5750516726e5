import LuaRuntime
import Portable
import Testing

/// The heap's limits, and that what was used is given back.
@Suite struct MemoryTests {
    private static let limits = LuaLimits(
        memoryBytesMax: 4 << 20, blockBytesMax: 1 << 20, handlerCPU: .seconds(20))

    @Test func `a heap that reaches its limit fails that call only`() async throws {
        let test = try TestState(
            """
            test.on('grow', function()
              local t = {}
              while true do t = {t, ('x'):rep(999) .. tostring(t)} end
            end)
            test.on('f', function() return 'fine' end)
            """, limits: Self.limits)
        try await test.load()
        await #expect(throws: LuaError.outOfMemory(limit: 4 << 20)) { _ = try await test.call("grow") }
        #expect(try await test.call() == ["fine"])
        #expect(test.state.statistics().heapPeakBytes <= 4 << 20)
        #expect(test.state.statistics().allocationsRefused > 0)
        await test.state.close()
        #expect(test.state.statistics().heapBytes == 0)
    }

    @Test(arguments: [
        "local s = 'x' while true do s = s .. s end", "local t = {} for i = 1, 1e9 do t[i] = i end",
    ])
    func `a single block has a limit of its own`(body: String) async {
        #expect(await TestState.failure(body, limits: Self.limits) == .outOfMemory(limit: 1 << 20))
    }

    @Test func `colliding keys end at the block limit`() async {
        let error = await TestState.failure(
            "local t = {} for i = 1, 1e9 do t[i * 65535 + 0.5] = i end", limits: Self.limits)
        #expect(error == .outOfMemory(limit: 1 << 20))
    }

    @Test func `failing allocations in an endless pcall end the run`() async {
        let error = await TestState.failure(
            "while true do pcall(function() local s = 'x' while true do s = s .. s end end) end",
            limits: Self.limits)
        #expect(error == .outOfMemory(limit: 1 << 20))
    }

    @Test func `running out of memory can be caught once`() async throws {
        let results = try await TestState.run(
            "local ok, why = pcall(function() local s = 'x' while true do s = s .. s end end) return ok, why",
            limits: Self.limits)
        #expect(results == [false, "not enough memory"])
    }

    @Test(arguments: [
        "(''):rep(1 << 62)", "('x'):rep(0)", "(''):rep(5, '')",
    ])
    func `an empty repetition takes no time`(expression: String) async throws {
        #expect(try await TestState.run("return \(expression)") == [""])
    }

    @Test(arguments: ["('x'):rep(1 << 62)", "('x'):rep(1e9, ('y'):rep(1e5))", "('x'):rep(math.maxinteger)"])
    func `a repetition above the block limit is refused`(expression: String) async throws {
        let results = try await TestState.run("return pcall(function() return \(expression) end)")
        #expect(results.first == false)
        #expect(results.last?.stringValue?.contains("resulting string too large") == true)
    }

    @Test func `repetitions are right`() async throws {
        let results = try await TestState.run(
            "return ('ab'):rep(3, ','), ('x'):rep(7), (''):rep(3, '-'), ('q'):rep(1, 'z'), ('abc'):rep(2), "
                + "('x'):rep(-1)"
        )
        #expect(results == ["ab,ab,ab", "xxxxxxx", "--", "q", "abcabc", ""])
    }

    @Test func `ten thousand calls keep the heap as it is`() async throws {
        let test = try TestState("test.on('f', function(v) return {v.a, tostring(v.b)} end)")
        try await test.load()
        func many(_ count: Int) async throws {
            for _ in 0..<count { _ = try await test.call("f", ["a": 1, "b": "text"]) }
        }
        try await many(1000)
        let before = test.state.statistics().heapBytes
        try await many(10_000)
        let after = test.state.statistics().heapBytes
        #expect(abs(after - before) < 40_000)
        await test.state.close()
    }

    @Test func `released functions are collected`() async throws {
        let references = HandedFunctions()
        let keep = LuaHostFunction(
            path: "test.keep", acceptsFunctions: true,
            kind: .immediate { arguments, _ in
                if let function = arguments.function(0) { references.add("last", function) }
                return []
            })
        let test = try TestState(
            """
            test.on('f', function()
              local big = ('x'):rep(100000) .. tostring({})
              test.keep(function() return big end)
            end)
            """,
            limits: Self.limits, functions: [keep])
        try await test.load()
        for _ in 0..<200 {
            _ = try await test.call()
            await test.state.release(try references.function("last"))
        }
        await #expect(throws: LuaError.self) {
            _ = try await test.state.call(try references.function("last"), [])
        }
        await test.state.close()
    }

    @Test func `a new state is small`() async throws {
        let test = try TestState("")
        #expect(test.state.statistics().heapBytes < 64 << 10)
    }

    @Test func `deep recursion of every kind is an error and no crash`() async throws {
        let results = try await TestState.run(
            """
            local function f() return 1 + f() end
            local function g() return (coroutine.wrap(g)()) end
            local function h() ('a'):gsub('a', h) end
            local previous
            for i = 1, 2000 do
              local before = previous
              local co = coroutine.create(function()
                local x <close> = setmetatable({}, {__close = function()
                  local function deep(n)
                    if n == 0 then return coroutine.close(before) end
                    ('a'):gsub('a', function() deep(n - 1) end)
                  end
                  if before then deep(20) end
                end})
                coroutine.yield()
              end)
              coroutine.resume(co)
              previous = co
            end
            coroutine.close(previous)
            return (pcall(f)), (pcall(g)), (pcall(h))
            """, limits: LuaLimits(handlerCPU: .seconds(20)))
        #expect(results == [false, false, false])
    }
}
