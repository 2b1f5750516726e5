package import Portable
import Synchronization

/// One Lua state with its libraries and host functions, run on a pool's threads.
///
/// Calls interleave as coroutines where they wait for the host, and take turns where they use up their
/// slices; nothing of a state ever runs on two threads at once.
///
/// A run that is over its budget ends at its next instruction. One that is far over it and inside something
/// that has no next instruction, such as the collection of garbage that was made to be slow, is left there:
/// it ends with ``LuaError/timeout(limit:)`` and the state is closed (``LuaStatistics/isAbandoned``).
package actor LuaState {
    private static let generations = Atomic<UInt32>(0)

    /// For messages and metrics; what the state is for, such as a plugin's id.
    package nonisolated let name: String
    /// What it may use.
    package nonisolated let limits: LuaLimits
    /// The pool's threads, one job at a time.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    let executor: LuaExecutor
    let crossing: LuaCrossing
    let functions: [LuaHostFunction]
    /// Nil once closed.
    var handle: LuaHandle?
    var runs: [UInt64: LuaRun] = [:]
    var brackets: [UInt64: [OpenBracket]] = [:]
    var lastToken: Int64 = 0
    let waitingBytes: WaitingBytes
    nonisolated let counters = Mutex(LuaStatistics())
    /// Told the number of each run that has ended, brackets and all; must not block.
    let runEnded: @Sendable (UInt64) -> Void

    /// Makes the state with its environment; nothing of the sources runs yet.
    /// - Parameters:
    ///   - classes: Those of the methods among the functions, each once.
    ///   - functions: Each path once; the tables on the way are made and locked.
    ///   - constants: Values by path, such as `perigee.plugin.id`.
    ///   - sources: Texts by relative path: `main.lua`, `lib/x.lua` for `require "lib.x"`.
    ///   - runEnded: Told the number of each run that has ended; must not block.
    ///   - log: Gets what `print` and `warn` write, on the Lua thread; must not block.
    /// - Throws: ``LuaError/outOfMemory(limit:)``; ``LuaError/hostFailure(message:)`` for a constant that is
    ///   too large.
    package init(
        name: String, limits: LuaLimits, classes: [LuaClass] = [], functions: [LuaHostFunction],
        constants: [String: PortableValue], sources: [String: [UInt8]], pool: LuaThreadPool,
        log: @escaping @Sendable (LuaLogLine) -> Void,
        runEnded: @escaping @Sendable (UInt64) -> Void = { _ in }
    ) throws(LuaError) {
        let generation = Self.generations.wrappingAdd(1, ordering: .relaxed).newValue
        self.name = name
        self.limits = limits
        self.functions = functions
        let executor = LuaExecutor(pool: pool)
        self.executor = executor
        waitingBytes = WaitingBytes(countMax: limits.waitingBytesMax)
        self.runEnded = runEnded
        crossing = LuaCrossing(limits, generation: generation, classes: classes)
        let handle = try LuaHandle(
            limits: limits, generation: generation, classes: classes,
            bridge: LuaBridge(
                functions: functions, crossing: crossing, log: log, held: { executor.threadIsHeld() }),
            constants: constants, sources: sources)
        counters.withLock { handle.read(into: &$0) }
        self.handle = handle
    }

    /// Compiles and runs one of the sources, such as `main.lua`; its results are dropped.
    /// - Throws: ``LuaError``; syntax errors name the file and line.
    package func load(_ main: String, context: (any Sendable)? = nil) async throws(LuaError) {
        let handle = try open()
        let run = LuaRun(context: context, limit: limits.loadCPU)
        guard let number = handle.beginLoad(main, cpu: limits.loadCPU) else {
            throw .outOfMemory(limit: limits.memoryBytesMax)
        }
        _ = try await drive(number, run)
    }

    /// Calls a Lua function and gives its results. Cancelling the calling task ends the run.
    /// - Parameters:
    ///   - object: The first argument; nil when there is plain data alone.
    ///   - arguments: Within the limits of values.
    ///   - context: Given to every host function that the run calls.
    ///   - cpuLimit: Instead of ``LuaLimits/handlerCPU``.
    /// - Throws: ``LuaError``; ``LuaError/tooManyCalls(limit:)`` at once when too many calls are in flight.
    package func call(
        _ function: LuaFunctionReference, object: LuaObject? = nil, _ arguments: [PortableValue],
        context: (any Sendable)? = nil, cpuLimit: Duration? = nil
    ) async throws(LuaError) -> [PortableValue] {
        let handle = try open()
        guard function.generation == crossing.generation else {
            throw .hostFailure(message: "the function belongs to another state")
        }
        let bytes: [UInt8]
        do { bytes = try crossing.list(object, arguments) } catch {
            throw .hostFailure(message: "arguments: \(error)")
        }
        let run = LuaRun(context: context, limit: cpuLimit ?? limits.handlerCPU)
        guard let number = handle.beginCall(function.id, bytes, cpu: run.limit) else {
            throw .outOfMemory(limit: limits.memoryBytesMax)
        }
        return try await drive(number, run)
    }

    /// Until as many calls of ``endUrgentWork()``, the state's turns are not put behind others, however much
    /// CPU time it uses: somebody who is not the plugin waits for its answer.
    package nonisolated func beginUrgentWork() { executor.beginUrgentWork() }

    /// Ends what ``beginUrgentWork()`` began.
    package nonisolated func endUrgentWork() { executor.endUrgentWork() }

    /// Forgets a function, so that the state may collect it. Later calls of it fail; unknown ones are
    /// ignored.
    package func release(_ function: LuaFunctionReference) {
        if function.generation == crossing.generation { handle?.release(function.id) }
    }

    /// The counters as of the last turn.
    package nonisolated func statistics() -> LuaStatistics {
        var statistics = counters.withLock { $0 }
        statistics.waitNanoseconds = executor.waitNanoseconds
        statistics.queueDepth = executor.depth
        return statistics
    }

    /// Ends all runs, which throw ``LuaError/closed``, cancels what they wait for, and returns all memory.
    /// Runs no Lua code. Closing twice is harmless.
    package nonisolated func close() async {
        beginUrgentWork()
        defer { endUrgentWork() }
        await end()
    }

    /// Frees the C state and ends all runs.
    func end() {
        guard handle != nil else { return }
        handle = nil
        counters.withLock { $0.heapBytes = 0 }
        let ending = runs.values
        runs = [:]
        for run in ending { run.interrupt() }
    }

    private func open() throws(LuaError) -> LuaHandle {
        guard let handle else { throw .closed }
        guard runs.count < limits.outstandingCallsMax else {
            throw .tooManyCalls(limit: limits.outstandingCallsMax)
        }
        return handle
    }
}
