import CLuaHost
import Portable

/// Owns one C state and the bridge that it calls.
///
/// Not Sendable: only the actor that owns it uses it, on the thread that has the actor's turn.
final class LuaHandle {
    let bridge: LuaBridge
    private let state: OpaquePointer

    /// Opens the state and defines everything in it.
    init(
        limits: LuaLimits, generation: UInt32, classes: [LuaClass], bridge: LuaBridge,
        constants: [String: PortableValue],
        sources: [String: [UInt8]]
    ) throws(LuaError) {
        self.bridge = bridge
        var cLimits = clh_limits(
            heap_max: max(0, limits.memoryBytesMax), block_max: max(0, limits.blockBytesMax),
            value_max: max(0, limits.argumentBytesMax), source_max: max(0, limits.sourceBytesMax),
            slice: limits.slice.nanoseconds, depth_max: Int32(clamping: limits.depthMax))
        var callbacks = bridge.callbacks
        guard let state = clh_open(&cLimits, &callbacks, generation) else {
            throw .outOfMemory(limit: limits.memoryBytesMax)
        }
        self.state = state
        bridge.state = state
        for (number, kind) in classes.enumerated()
        where clh_add_class(state, kind.name, kind.hasFields ? 1 : 0) != number {
            throw .outOfMemory(limit: limits.memoryBytesMax)
        }
        for op in bridge.functions.indices where !add(op) {
            throw .outOfMemory(limit: limits.memoryBytesMax)
        }
        for (path, value) in constants {
            let bytes: [UInt8]
            do { bytes = try MessagePack.encode(value) } catch {
                throw .hostFailure(message: "constant \(path): \(error)")
            }
            guard clh_add_constant(state, path, bytes, bytes.count) == 0 else {
                throw .outOfMemory(limit: limits.memoryBytesMax)
            }
        }
        for (name, bytes) in sources where clh_add_source(state, name, bytes, bytes.count) != 0 {
            throw .outOfMemory(limit: limits.memoryBytesMax)
        }
    }

    deinit {
        clh_close(state)
    }

    /// False without memory, or for a method of no class.
    private func add(_ op: Int) -> Bool {
        let function = bridge.functions[op]
        let names = function.parameterNames.joined(separator: " ")
        if let json = bridge.json[op] {
            return clh_add_json_function(
                state, function.path, names, json.work, Int32(op), json.pointer) == 0
        }
        guard let fast = bridge.fast[op] else {
            return clh_add_function(
                state, function.path, names, function.kind.code, function.options, Int32(op)) == 0
        }
        if case .fast = function.kind {
            return clh_add_fast_function(state, function.path, names, fast.pointer) == 0
        }
        return clh_add_attempted_function(
            state, function.path, names, function.kind.code, function.options, Int32(op), fast.pointer) == 0
    }

    /// Prepares to run a source; nil without memory.
    func beginLoad(_ source: String, cpu: Duration) -> UInt64? {
        let number = clh_begin_load(state, source, cpu.nanoseconds)
        return number == 0 ? nil : number
    }

    /// Prepares a call; nil without memory.
    func beginCall(_ function: Int32, _ arguments: [UInt8], cpu: Duration) -> UInt64? {
        let number = clh_begin_call(state, function, arguments, arguments.count, cpu.nanoseconds)
        return number == 0 ? nil : number
    }

    /// Runs until the run ends, waits, or its slice is over.
    func resume(_ run: UInt64, limit: Duration, answer: LuaReply?) -> LuaTurn {
        if let answer {
            answer.bytes.withUnsafeBufferPointer { bytes in
                _ = clh_reply(state, answer.status, bytes.baseAddress, bytes.count)
            }
        }
        var result = clh_result()
        clh_resume(state, run, &result)
        return LuaTurn(result, crossing: bridge.crossing, limit: limit)
    }

    /// Whether nothing of the state can run any more.
    var isAbandoned: Bool { clh_is_abandoned(state) != 0 }

    /// Forgets a run that waits.
    func drop(_ run: UInt64) {
        clh_drop(state, run)
    }

    /// Forgets a function.
    func release(_ function: Int32) {
        clh_release_function(state, function)
    }

    /// Writes the C side's counters into `statistics`.
    func read(into statistics: inout LuaStatistics) {
        var counters = clh_statistics()
        clh_read_statistics(state, &counters)
        statistics.heapBytes = counters.heap
        statistics.heapPeakBytes = counters.heap_peak
        statistics.allocationsRefused = Int(clamping: counters.allocations_refused)
        statistics.cpuNanoseconds = counters.cpu
        statistics.hostCalls = Int(clamping: counters.host_calls)
    }
}

extension LuaHostFunction {
    fileprivate var options: Int32 {
        var options: UInt32 = 0
        if acceptsFunctions { options |= CLH_TAKES_FUNCTIONS.rawValue }
        if wantsPosition { options |= CLH_WANTS_POSITION.rawValue }
        return Int32(bitPattern: options)
    }
}

extension LuaHostFunction.Kind {
    fileprivate var code: clh_kind {
        switch self {
        case .immediate, .making, .attempt, .json: CLH_IMMEDIATE
        case .fast: CLH_FAST
        case .waiting, .obtaining: CLH_WAITING
        case .pages: CLH_PAGES
        case .bracket: CLH_BRACKET
        case .loading: CLH_LOADING
        case .index: CLH_INDEX
        }
    }
}

extension Duration {
    /// Whole nanoseconds, at least 0, at most what 64 bits hold.
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        if seconds < 0 || attoseconds < 0 { return 0 }
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        // Half of the range, so that adding to a clock stays in it.
        return overflow ? Int64.max / 2 : min(product, Int64.max / 2) + attoseconds / 1_000_000_000
    }
}
