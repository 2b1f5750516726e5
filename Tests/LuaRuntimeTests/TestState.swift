import LuaRuntime
import Portable
import Synchronization

/// A state with the given main chunk; functions that the chunk hands over by `test.on(name, fn)` can be
/// called by name.
struct TestState {
    static let pool = LuaThreadPool(threads: 2, name: "lua-test")

    let state: LuaState
    let handed: HandedFunctions
    let lines: LogLines

    init(
        _ main: String, limits: LuaLimits = LuaLimits(), sources: [String: String] = [:],
        functions: [LuaHostFunction] = [], constants: [String: PortableValue] = [:],
        classes: [LuaClass] = [], pool: LuaThreadPool = pool,
        runEnded: @escaping @Sendable (UInt64) -> Void = { _ in }
    ) throws {
        let handed = HandedFunctions()
        let lines = LogLines()
        let on = LuaHostFunction(
            path: "test.on", parameterNames: ["name", "fn"], acceptsFunctions: true,
            kind: .immediate { arguments, _ in
                guard let function = arguments.function(1) else { throw LuaHostError.misuse("no function") }
                handed.add(arguments[0].stringValue ?? "", function)
                return []
            })
        var texts = sources.mapValues { Array($0.utf8) }
        texts["main.lua"] = Array(main.utf8)
        state = try LuaState(
            name: "test", limits: limits, classes: classes, functions: functions + [on],
            constants: constants, sources: texts, pool: pool, log: { lines.add($0) }, runEnded: runEnded)
        self.handed = handed
        self.lines = lines
    }

    /// Loads the main chunk.
    func load() async throws {
        try await state.load("main.lua")
    }

    /// Calls a function that the main chunk handed over.
    func call(
        _ name: String = "f", _ arguments: PortableValue..., context: (any Sendable)? = nil
    ) async throws -> [PortableValue] {
        try await state.call(try handed.function(name), arguments, context: context)
    }

    /// Loads a chunk that defines `f` as the body, calls it and gives its results.
    static func run(
        _ body: String, limits: LuaLimits = LuaLimits(), functions: [LuaHostFunction] = [],
        constants: [String: PortableValue] = [:], sources: [String: String] = [:]
    ) async throws -> [PortableValue] {
        let test = try TestState(
            "test.on('f', function() \(body)\nend)", limits: limits, sources: sources, functions: functions,
            constants: constants)
        do {
            try await test.load()
            let results = try await test.call()
            await test.state.close()
            return results
        } catch {
            await test.state.close()
            throw error
        }
    }

    /// The error of running a body.
    static func failure(
        _ body: String, limits: LuaLimits = LuaLimits(), functions: [LuaHostFunction] = []
    ) async -> LuaError? {
        do {
            _ = try await run(body, limits: limits, functions: functions)
            return nil
        } catch {
            return error as? LuaError
        }
    }
}

/// Functions that Lua code handed over, by name.
final class HandedFunctions: Sendable {
    private struct Absent: Error {}
    private let functions = Mutex<[String: LuaFunctionReference]>([:])

    func add(_ name: String, _ function: LuaFunctionReference) {
        functions.withLock { $0[name] = function }
    }

    func function(_ name: String) throws -> LuaFunctionReference {
        guard let function = functions.withLock({ $0[name] }) else { throw Absent() }
        return function
    }
}

/// What Lua code printed.
final class LogLines: Sendable {
    private let lines = Mutex<[LuaLogLine]>([])

    func add(_ line: LuaLogLine) {
        lines.withLock { $0.append(line) }
    }

    var all: [LuaLogLine] { lines.withLock { $0 } }
}

/// Waiters and an opener: tests say when a host call may answer.
actor Gate {
    private var isOpen = false
    private var waiters: [CheckedContinuation<Void, Never>] = []
    private var arrivals: [CheckedContinuation<Void, Never>] = []
    private var arrived = 0

    /// Waits until the gate is open.
    func pass() async {
        arrived += 1
        for arrival in arrivals { arrival.resume() }
        arrivals = []
        if !isOpen { await withCheckedContinuation { waiters.append($0) } }
    }

    /// Waits until so many have come to the gate.
    func waitForArrivals(_ count: Int) async {
        while arrived < count { await withCheckedContinuation { arrivals.append($0) } }
    }

    func open() {
        isOpen = true
        for waiter in waiters { waiter.resume() }
        waiters = []
    }
}
