import CLuaHost
import Portable

/// What C calls while Lua code runs: immediate and fast functions, and the log.
///
/// Everything here is called from inside a turn, on the thread that has it; none of it touches Lua.
final class LuaBridge {
    /// The run whose turn it is, for the contexts of immediate functions.
    struct Caller {
        var run: UInt64
        var context: (any Sendable)?
        var brackets: [any Sendable]
    }

    /// A function by reference: as a value its parts would be retained at each call.
    private final class Body {
        let path: String
        let kind: LuaHostFunction.Kind

        init(_ function: LuaHostFunction) {
            path = function.path
            kind = function.kind
        }
    }

    let functions: [LuaHostFunction]
    private let bodies: [Body]
    let crossing: LuaCrossing
    var caller = Caller(run: 0, context: nil, brackets: [])
    /// Set once, right after the state was opened; the state owns this bridge.
    var state: OpaquePointer?
    /// What C's fast functions point to, by the function's place.
    let fast: [Int: LuaFastFunction]
    let json: [Int: LuaJSONFunction]
    private let log: @Sendable (LuaLogLine) -> Void
    private let held: @Sendable () -> Void

    /// - Parameter held: Told on the Lua thread when a slice is over and the run cannot give way.
    init(
        functions: [LuaHostFunction], crossing: LuaCrossing, log: @escaping @Sendable (LuaLogLine) -> Void,
        held: @escaping @Sendable () -> Void
    ) {
        self.held = held
        self.functions = functions
        bodies = functions.map(Body.init)
        self.crossing = crossing
        self.log = log
        var fast: [Int: LuaFastFunction] = [:]
        var json: [Int: LuaJSONFunction] = [:]
        for (op, function) in functions.enumerated() {
            switch function.kind {
            case .fast(let body): fast[op] = LuaFastFunction(body)
            case .attempt(let body, _): fast[op] = LuaFastFunction(body)
            case .loading(let loading): fast[op] = LuaFastFunction(loading.attempt)
            case .json(let work, let answered, _): json[op] = LuaJSONFunction(work, answered: answered)
            case .index(let body): fast[op] = LuaFastFunction { Self.read(body, &$0) }
            default: break
            }
        }
        self.fast = fast
        self.json = json
    }

    /// The callbacks of a state that this bridge belongs to; the bridge must outlive it.
    var callbacks: clh_callbacks {
        clh_callbacks(
            owner: Unmanaged.passUnretained(self).toOpaque(),
            immediate: { owner, op, bytes, length, position in
                LuaBridge.with(owner) {
                    $0.answer(Int(op), UnsafeRawBufferPointer(start: bytes, count: length), position)
                }
            },
            fast: { function, call in LuaFastFunction.answer(function, call) },
            log: { owner, source, text, length, position in
                LuaBridge.with(owner) {
                    $0.write(source, UnsafeRawBufferPointer(start: text, count: length), position)
                }
            },
            held: { owner in LuaBridge.with(owner) { $0.held() } },
            answered: { LuaJSONFunction.answered($0) },
            write_number: { LuaJSONFunction.write($0, to: $1) })
    }

    /// Lends the bridge, which outlives the state that calls, so that a call takes no reference of its own.
    @inline(__always)
    private static func with(_ owner: UnsafeMutableRawPointer?, _ body: (LuaBridge) -> Void) {
        guard let owner else { return }
        Unmanaged<LuaBridge>.fromOpaque(owner)._withUnsafeGuaranteedRef(body)
    }

    private func answer(_ op: Int, _ bytes: UnsafeRawBufferPointer, _ position: UnsafePointer<CChar>?) {
        Unmanaged.passUnretained(bodies[op])._withUnsafeGuaranteedRef { answer($0, bytes, position) }
    }

    private func answer(
        _ function: Body, _ bytes: UnsafeRawBufferPointer, _ position: UnsafePointer<CChar>?
    ) {
        do {
            var arguments = try crossing.arguments(bytes)
            arguments.receiver = clh_self(state)
            switch function.kind {
            case .immediate(let body), .attempt(_, let body), .json(_, _, let body):
                give(try body(arguments, context(position)), function)
            case .making(let body): give(try crossing.object(try body(arguments, context(position))))
            case .index(let body): give([try body(arguments[0].stringValue ?? "")], function)
            default: throw LuaHostError.misuse("\(function.path) does not answer at once")
            }
        } catch {
            give(crossing.failure(error, of: function.path))
        }
    }

    private static func read(_ body: LuaHostFunction.Index, _ call: inout LuaFastCall) {
        guard let key = call.text(0) else { return call.pass() }
        do {
            if !call.write(any: try body(key)) { call.pass() }
        } catch {
            call.misuse((error as? LuaHostError)?.message ?? "\(error)")
        }
    }

    /// Writes results in place; what is too large or too deep for that takes the way that can refuse it.
    private func give(_ values: [PortableValue], _ function: Body) {
        var size = 0
        let space = clh_reply_space(state, &size)
        var writer = LuaReplyWriter(UnsafeMutableRawBufferPointer(start: space, count: size))
        writer.writeList(values, depthMax: crossing.limits.depthMax)
        if writer.isOverflown || writer.count > crossing.limits.bytesMax {
            give(crossing.reply(of: function.path) { values })
        } else {
            clh_reply_written(state, writer.count)
        }
    }

    private func give(_ reply: LuaReply) {
        reply.bytes.withUnsafeBufferPointer { bytes in
            _ = clh_reply(state, reply.status, bytes.baseAddress, bytes.count)
        }
    }

    private func write(
        _ source: clh_log_source, _ text: UnsafeRawBufferPointer, _ position: UnsafePointer<CChar>?
    ) {
        log(
            LuaLogLine(
                source: source == CLH_LOG_PRINT ? .print : .warn,
                message: String(decoding: text, as: UTF8.self),
                position: Self.text(position)))
    }

    private func context(_ position: UnsafePointer<CChar>?) -> LuaCallContext {
        LuaCallContext(
            run: caller.run, callerContext: caller.context, position: Self.text(position),
            brackets: caller.brackets)
    }

    /// Nil for no position, which C gives as an empty text.
    private static func text(_ position: UnsafePointer<CChar>?) -> String? {
        guard let position, position.pointee != 0 else { return nil }
        return String(cString: position)
    }
}
