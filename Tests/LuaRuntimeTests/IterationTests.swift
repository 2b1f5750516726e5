import LuaRuntime
import Portable
import Synchronization
import Testing

/// Generators over pages, and brackets.
@Suite struct IterationTests {
    private static func counting() -> LuaHostFunction {
        LuaHostFunction(
            path: "test.each",
            kind: .pages { arguments, cursor, _ in
                let start = cursor?["at"]?.integerValue ?? 1
                let count = arguments[0].integerValue ?? 0
                if start > 100 { throw LuaHostError.outcome("unavailable", "the source went away") }
                let end = min(start + 2, count + 1)
                return LuaPage(
                    items: (start..<max(start, end)).map { .integer($0) },
                    next: end <= count ? ["at": .integer(end)] : nil)
            })
    }

    @Test(arguments: [0, 1, 2, 3, 7]) func `a loop gets every item of every page`(count: Int) async throws {
        let results = try await TestState.run(
            "local r = {} for x in test.each(\(count)) do r[#r + 1] = x end return #r, r[#r]",
            functions: [Self.counting()])
        #expect(results == [.integer(Int64(count)), count == 0 ? .null : .integer(Int64(count))])
    }

    @Test func `a loop that breaks asks for no more pages`() async throws {
        let pages = Atomic<Int>(0)
        let each = LuaHostFunction(
            path: "test.each",
            kind: .pages { _, _, _ in
                pages.add(1, ordering: .relaxed)
                return LuaPage(items: [1, 2], next: 1)
            })
        _ = try await TestState.run("for x in test.each() do if x == 2 then break end end", functions: [each])
        #expect(pages.load(ordering: .relaxed) == 1)
    }

    @Test func `empty pages in the middle are passed over`() async throws {
        let each = LuaHostFunction(
            path: "test.each",
            kind: .pages { _, cursor, _ in
                let at = cursor?.integerValue ?? 0
                return LuaPage(items: at == 3 ? ["end"] : [], next: at == 3 ? nil : .integer(at + 1))
            })
        let results = try await TestState.run(
            "local r for x in test.each() do r = x end return r", functions: [each])
        #expect(results == ["end"])
    }

    @Test func `tuples become the loop's variables`() async throws {
        let each = LuaHostFunction(
            path: "test.each",
            kind: .pages { _, _, _ in LuaPage(items: [["a", 1], ["b", 2]], next: nil, itemsAreTuples: true) })
        let results = try await TestState.run(
            "local r = {} for key, value in test.each() do r[key] = value end return r", functions: [each])
        #expect(results == [["a": 1, "b": 2]])
    }

    @Test func `a failure in a loop is raised at its line`() async throws {
        let error = await TestState.failure("\nfor x in test.each(1000) do end", functions: [Self.counting()])
        #expect(error?.description == "main.lua:2: test.each: unavailable: the source went away")
    }

    @Test func `loops run inside coroutines and other loops`() async throws {
        let results = try await TestState.run(
            """
            local generate = coroutine.wrap(function() for x in test.each(3) do coroutine.yield(x) end end)
            local sum = 0
            for x in generate do for y in test.each(x) do sum = sum + y end end
            return sum
            """, functions: [Self.counting()])
        #expect(results == [10])
    }

    @Test func `a bracket gives the function's results and leaves`() async throws {
        let log = EventList()
        let results = try await TestState.run(
            "return test.with('key', function(a) test.note() return a, test.wait('x') end)",
            functions: log.functions + [HostCallTests.wait])
        #expect(results == ["key!", "x"])
        #expect(log.all == ["enter key", "inside [key]", "leave true"])
    }

    @Test func `a bracket leaves when the function raises and passes the error on`() async throws {
        let log = EventList()
        let error = await TestState.failure(
            "test.with('k', function()\nerror('no') end)", functions: log.functions)
        #expect(error?.description == "main.lua:2: no")
        #expect(log.all == ["enter k", "leave false"])
    }

    @Test func `what leaving throws replaces the results`() async throws {
        let log = EventList()
        let results = try await TestState.run(
            "local a, b = test.with('conflict', function() return 1 end) return a, b.code",
            functions: log.functions)
        #expect(results == [.null, "conflict"])
    }

    @Test func `a bracket that is not entered does not run the function`() async throws {
        let log = EventList()
        let results = try await TestState.run(
            "local a, b = test.with('busy', function() test.note() end) "
                + "return a, b.code, (pcall(test.with, 'x'))",
            functions: log.functions)
        #expect(results == [.null, "timeout", false])
        #expect(log.all == ["enter busy"])
    }

    @Test func `a bracket is left when its run is ended`() async throws {
        let log = EventList()
        let error = await TestState.failure(
            "test.with('outer', function() test.with('inner', function() while true do end end) end)",
            limits: LuaLimits(handlerCPU: .milliseconds(30)), functions: log.functions)
        #expect(error == .timeout(limit: .milliseconds(30)))
        #expect(log.all == ["enter outer", "enter inner", "leave false", "leave false"])
    }
}

/// A bracket function `test.with(key, fn)` and `test.note()`, and what happened to them.
final class EventList: Sendable {
    private let events = Mutex<[String]>([])

    var all: [String] { events.withLock { $0 } }

    var functions: [LuaHostFunction] {
        [
            LuaHostFunction(
                path: "test.with",
                kind: .bracket(
                    enter: { arguments, _ in
                        let key = arguments[0].stringValue ?? ""
                        self.add("enter \(key)")
                        if key == "busy" { throw LuaHostError.outcome("timeout", "held by another") }
                        return LuaBracket(state: key, arguments: [.string(key + "!")])
                    },
                    leave: { state, succeeded, _ in
                        self.add("leave \(succeeded)")
                        if state as? String == "conflict" {
                            throw LuaHostError.outcome("conflict", "changed")
                        }
                    })),
            LuaHostFunction(
                path: "test.note",
                kind: .immediate { _, context in
                    self.add("inside [\(context.brackets.map { "\($0)" }.joined(separator: ","))]")
                    return []
                }),
        ]
    }

    private func add(_ event: String) {
        events.withLock { $0.append(event) }
    }
}
