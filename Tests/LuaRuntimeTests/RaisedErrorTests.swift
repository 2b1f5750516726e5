import Glibc
import LuaRuntime
import Portable
import Synchronization
import Testing

/// Errors that cross the host's boundary leave nothing behind: no Swift frame lies under a Lua frame.
///
/// `PERIGEE_RAISED_ERRORS=1000000 swift test --filter RaisedErrorTests` raises so many of each kind.
@Suite(.serialized) struct RaisedErrorTests {
    /// An object that is alive while a host function fails.
    private final class Alive: Sendable {
        static let count = Atomic<Int>(0)
        let text = String(repeating: "an object that is alive ", count: 2)

        init() { Self.count.add(1, ordering: .relaxed) }
        deinit { Self.count.subtract(1, ordering: .relaxed) }
    }

    private static let functions = [
        LuaHostFunction(
            path: "test.fast",
            kind: .fast { call in
                let alive = Alive()
                call.misuse(alive.text)
            }),
        LuaHostFunction(path: "test.at_once", kind: .immediate { _, _ in try fail(.misuse) }),
        LuaHostFunction(
            path: "test.outcome", kind: .immediate { _, _ in try fail(.outcome(code: "not_found")) }),
        LuaHostFunction(
            path: "test.attempt", kind: .attempt({ $0.pass() }, otherwise: { _, _ in try fail(.misuse) })),
        LuaHostFunction(path: "test.fields", kind: .index { _ in try fail(.misuse)[0] }),
        LuaHostFunction(
            path: "test.waiting",
            kind: .waiting { _, _ in
                let alive = Alive()
                await Task.yield()
                throw LuaHostError.misuse(alive.text)
            }),
        LuaHostFunction(
            path: "test.with",
            kind: .bracket(
                enter: { _, _ in LuaBracket(state: Alive()) }, leave: { _, _, _ in _ = try fail(.misuse) })),
    ]

    private static func fail(_ kind: LuaHostError.Kind) throws -> [PortableValue] {
        let alive = Alive()
        throw LuaHostError(kind: kind, message: alive.text)
    }

    private static var times: Int {
        getenv("PERIGEE_RAISED_ERRORS").flatMap { Int(String(cString: $0)) } ?? 2_000
    }

    /// Bytes of memory that the process holds.
    private static func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 200)
        guard fgets(&line, 200, file) != nil else { return 0 }
        let fields = String(decoding: line.map(UInt8.init(bitPattern:)), as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(getpagesize()) : 0
    }

    @Test(arguments: [
        "pcall(test.fast)", "pcall(test.at_once, {1, 2})", "test.outcome(1)", "pcall(test.attempt, {})",
        "pcall(read)", "pcall(test.waiting)", "pcall(test.with, function() error({}) end)",
        "coroutine.resume(coroutine.create(test.at_once))", "pcall(table.sort, {1, 2}, test.fast)",
    ])
    func `errors that host functions raise leave nothing behind`(call: String) async throws {
        let test = try TestState(
            """
            local function read() return test.fields.none end
            test.on('f', function(n) for i = 1, n do \(call) end end)
            """, limits: LuaLimits(handlerCPU: .seconds(3_600)), functions: Self.functions)
        try await test.load()
        try await Self.check { times in _ = try await test.call("f", .integer(Int64(times))) }
        await test.state.close()
        #expect(Alive.count.load(ordering: .relaxed) == 0)
    }

    @Test func `errors that end runs leave nothing behind`() async throws {
        let test = try TestState(
            "test.on('f', function() local t = {} t.x.y = 1 end)", functions: Self.functions)
        try await test.load()
        try await Self.check { times in
            for _ in 0..<times {
                do {
                    _ = try await test.call()
                    Issue.record("the call did not fail")
                } catch is LuaError {}
            }
        }
        await test.state.close()
    }

    /// A first part fills what is kept for use again.
    private static func check(_ body: (Int) async throws -> Void) async throws {
        try await body(max(1, times / 10))
        let before = residentBytes()
        try await body(times)
        #expect(residentBytes() - before < 16 << 20, "resident memory grew")
        #expect(Alive.count.load(ordering: .relaxed) == 0)
    }
}
