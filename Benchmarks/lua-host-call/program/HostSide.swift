import LuaRuntime
import Portable
import Synchronization

/// A real state with the functions that are measured, and the loops that its main chunk handed over.
struct HostSide: Side {
    let state: LuaState
    private let loops: [String: LuaFunctionReference]

    init(_ text: String, pool: LuaThreadPool) async throws {
        let handed = Handed()
        var limits = LuaLimits()
        limits.handlerCPU = .seconds(600)
        state = try LuaState(
            name: "benchmark", limits: limits, functions: Self.functions + [handed.function], constants: [:],
            sources: ["main.lua": Array(text.utf8)], pool: pool, log: { print($0.message) })
        try await state.load("main.lua")
        loops = handed.all
    }

    func call(_ name: String, _ number: Int64) async throws {
        guard let loop = loops[name] else { throw BenchmarkError.noLoop(name) }
        _ = try await state.call(loop, [.integer(number)])
    }

    private static let functions = [
        LuaHostFunction(
            path: "host.integer",
            kind: .fast { call in
                guard let number = call.integer(0) else { return call.misuse("integer expected") }
                call.write(number &+ 1)
            }),
        LuaHostFunction(
            path: "host.bytes",
            kind: .fast { call in
                guard let text = call.lentText(0) else { return call.misuse("string expected") }
                call.writeText(text)
            }),
        LuaHostFunction(
            path: "host.text",
            kind: .fast { call in
                guard let text = call.text(0) else { return call.misuse("string expected") }
                call.write(text)
            }),
        LuaHostFunction(
            path: "host.fields",
            kind: .fast { call in
                var found: (id: LuaFastScalar?, name: LuaFastScalar?, size: LuaFastScalar?)
                call.withTable(0) { found = ($0["id"], $0["name"], $0["size"]) }
                guard let id = found.id, let name = found.name, let size = found.size else {
                    return call.misuse("a record expected")
                }
                call.writeFields { call in
                    call.writeName("id")
                    call.write(id)
                    call.writeName("name")
                    call.write(name)
                    call.writeName("size")
                    call.write(size)
                }
            }),
        LuaHostFunction(
            path: "host.attempt",
            kind: .attempt(
                { call in
                    guard case .integer(let number)? = call.plain(0), call.write(plain: .integer(number &+ 1))
                    else { return call.pass() }
                }, otherwise: { _, _ in throw LuaHostError.misuse("integer expected") })),
        LuaHostFunction(
            path: "host.encode",
            kind: .json(.write, answered: {}) { arguments, _ in [.string(try JSON.text(arguments[0]))] }),
        LuaHostFunction(
            path: "host.decode",
            kind: .json(.read, answered: {}) { arguments, _ in
                [try JSON.decode(arguments[0].stringValue ?? "")]
            }),
        LuaHostFunction(
            path: "host.at_once",
            kind: .immediate { arguments, _ in
                guard let number = arguments[0].integerValue else {
                    throw LuaHostError.misuse("integer expected")
                }
                return [.integer(number &+ 1)]
            }),
        LuaHostFunction(
            path: "host.plain",
            kind: .attempt(
                { call in
                    guard let value = call.plain(0), call.write(any: value) else { return call.pass() }
                }, otherwise: { arguments, _ in [arguments[0]] })),
        LuaHostFunction(path: "host.record", kind: .immediate { arguments, _ in [arguments[0]] }),
        LuaHostFunction(path: "host.wait", kind: .waiting { arguments, _ in [arguments[0]] }),
    ]
}

/// Takes what Lua code gives to `host.on(name, function)`.
private final class Handed: Sendable {
    private let loops = Mutex<[String: LuaFunctionReference]>([:])

    var all: [String: LuaFunctionReference] { loops.withLock { $0 } }

    var function: LuaHostFunction {
        LuaHostFunction(
            path: "host.on", parameterNames: ["name", "loop"], acceptsFunctions: true,
            kind: .immediate { [self] arguments, _ in
                guard let name = arguments[0].stringValue, let loop = arguments.function(1) else {
                    throw LuaHostError.misuse("a name and a function expected")
                }
                loops.withLock { $0[name] = loop }
                return []
            })
    }
}

enum BenchmarkError: Error {
    case noLoop(String)
    case peer(String)
}
