import LuaRuntime
import Portable
import Synchronization
import Testing

/// Functions that first try to answer at once: plain data of any shape, in and out.
@Suite struct AttemptTests {
    /// Gives its arguments back, and counts how often it could not do so at once.
    private final class Echo: Sendable {
        private let whole = Atomic<Int>(0)

        var passed: Int { whole.load(ordering: .relaxed) }

        var function: LuaHostFunction {
            LuaHostFunction(
                path: "test.same", parameterNames: ["value", "other"],
                kind: .attempt(
                    { call in
                        for index in 0..<call.argumentCount {
                            guard let value = call.plain(index), call.write(any: value) else {
                                return call.pass()
                            }
                        }
                    },
                    otherwise: { [self] arguments, _ in
                        whole.add(1, ordering: .relaxed)
                        return arguments.values
                    }))
        }
    }

    @Test func `tables in tables come and go at once`() async throws {
        let echo = Echo()
        let results = try await TestState.run(
            """
            local long = ('k'):rep(60)
            local value = {a = {b = {1, 'x', {}}, c = 2.5}, [long] = {{{true}}}, d = 'grüße'}
            return test.same(value, {{1}, 2, {}})
            """, functions: [echo.function])
        let key = String(repeating: "k", count: 60)
        #expect(
            results == [
                ["a": ["b": [1, "x", [:]], "c": 2.5], key: [[[true]]], "d": "grüße"], [[1], 2, [:]],
            ])
        #expect(echo.passed == 0)
    }

    @Test func `results of any size come back`() async throws {
        let echo = Echo()
        let results = try await TestState.run(
            """
            local text, list = ('x'):rep(5000), {}
            for i = 1, 200 do list[i] = ('y'):rep(100) end
            local one, two = test.same(text), test.same(list)
            local three, four = test.same(text, list)
            return #one, #two, two[200], #three, four[200] == list[200]
            """, functions: [echo.function])
        #expect(results == [5_000, 200, .string(String(repeating: "y", count: 100)), 5_000, true])
        #expect(echo.passed == 1, "two large results in one call go the other way")
    }

    @Test func `what is large or deep goes the other way`() async throws {
        let echo = Echo()
        let results = try await TestState.run(
            """
            local deep, wide, shared = {}, {}, {1, 2, 3, 4, 5, 6, 7, 8}
            for _ = 1, 20 do deep = {deep} end
            for i = 1, 300 do wide[i] = {i} end
            local many = {} for i = 1, 60 do many[i] = shared end
            local level = 0
            deep = test.same(deep)
            while next(deep) do deep, level = deep[1], level + 1 end
            return level, test.same(wide)[300][1], test.same(many)[60][8], #test.same(('x'):rep(250000))
            """, functions: [echo.function])
        #expect(results == [20, 300, 8, 250_000])
        #expect(echo.passed == 3)
    }

    @Test(arguments: [
        ("test.same({a = {print}})", "value.a[1]: a function cannot be stored"),
        ("test.same(1, {{b = 0/0}})", "other[1].b: a number that is not finite cannot be stored"),
        ("test.same({{1, nil, 3}})", "value[1]: a sparse list cannot be stored"),
        (
            "test.same({a = {1, x = 2}})",
            "value.a: a table of both list items and named fields cannot be stored"
        ),
        ("test.same({{setmetatable({}, {})}})", "value[1][1]: a table with a metatable cannot be stored"),
        ("local t = {} t.x = {t} test.same(t)", "value.x[1]: a table that contains itself cannot be stored"),
        ("test.same({coroutine.create(print)})", "value[1]: a coroutine cannot be stored"),
        (
            "test.same({a = {['\\xff'] = 1}})",
            "value.a: a table with a key that is not UTF-8 cannot be stored"
        ),
    ])
    func `what is no plain data is refused with its place`(_ body: String, _ message: String) async throws {
        let echo = Echo()
        #expect(
            await TestState.failure(body, functions: [echo.function])?.description == "main.lua:1: \(message)"
        )
        #expect(echo.passed == 0)
    }

    /// Together they are more than may leave the state.
    @Test func `many long texts are refused as by any function`() async throws {
        let echo = Echo()
        let message = await TestState.failure(
            "local t = {} for i = 1, 100 do t[i] = {('x'):rep(5000)} end test.same(t)",
            functions: [echo.function])?.description
        #expect(message?.contains("bytes") == true, "\(message ?? "none")")
        #expect(echo.passed == 0)
    }

    @Test func `methods know their run`() async throws {
        let runs = Mutex<[UInt64]>([])
        let function = LuaHostFunction(
            path: "test.run",
            kind: .attempt(
                { call in
                    let run = call.run
                    if call.argumentCount == 0 { return call.pass() }
                    runs.withLock { $0.append(run) }
                },
                otherwise: { _, context in
                    runs.withLock { $0.append(context.run) }
                    return []
                }))
        _ = try await TestState.run("test.run(1) test.run()", functions: [function])
        let all = runs.withLock { $0 }
        #expect(all.count == 2 && all.first == all.last && all.first != 0)
    }
}
