import LuaRuntime
package import Portable

extension PluginContext {
    /// Runs a function that this plugin has handed over, in a run of its own, on Lua's threads.
    /// - Parameters:
    ///   - handle: The function's first argument; it ends with the call. Made with
    ///     ``handle(_:as:fields:)``.
    ///   - arguments: Plain data that follows.
    ///   - kind: What the run is for, in a word, for metrics and the plugin's log: `executor`.
    ///   - wait: How long it may take, waiting included; CPU time has a limit of its own.
    /// - Returns: What the function returned.
    /// - Throws: ``PluginCallError`` alone; failures are in the plugin's log already.
    package func call(
        _ callback: PluginCallback, handle: HostHandle? = nil, _ arguments: [PortableValue] = [],
        callerContext: (any Sendable)? = nil, kind: String, wait: Duration
    ) async throws -> [PortableValue] {
        defer { if let handle { handles.remove(handle.id) } }
        guard let instance else { throw PluginCallError.stopped }
        let metrics = PluginMetrics(pluginID: id)
        let start = ContinuousClock.now
        do {
            let results = try await instance.call(
                callback, object: handle?.object, arguments, context: callerContext, wait: wait)
            metrics.ran(kind: kind, outcome: "ok", took: start.duration(to: .now))
            return results
        } catch {
            let outcome = FailureLog.outcome(error)
            metrics.ran(kind: kind, outcome: outcome, took: start.duration(to: .now))
            if FailureLog.isStop(error) || error is CancellationError { throw PluginCallError.stopped }
            FailureLog.write(error, while: "running a function for \(kind)", to: failures)
            throw PluginCallError.failed(outcome: outcome, text: "\(error)")
        }
    }

    /// Keeps an object that is the first argument of a call by the host.
    /// - Throws: ``HostFailure`` when there are too many.
    package func handle(
        _ object: any HostObject, as className: String, fields: [String: PortableValue] = [:]
    ) throws -> HostHandle {
        try handles.add(object, as: className, fields: fields, run: PluginHandles.anyRun)
    }

    /// Registers something that begins when this state serves: after its start handlers, and at a reload
    /// before the old state's counterpart ends, so that a service can go from one to the other without a gap.
    /// It ends when the state no longer serves; its calls that run then may still finish.
    /// - Parameters:
    ///   - text: What it is, for `perigee plugin show`.
    ///   - begin: Gives what ends it. Ending must leave alone what a newer state has put in its place.
    /// - Throws: ``HostFailure`` when the plugin registers too much. Call it while the main chunk runs only.
    package func offer(
        _ text: String, _ begin: @escaping @Sendable () async throws -> @Sendable () async -> Void
    ) throws {
        try register(text) { $0.offers.append(PluginOffer(text: text, begin: begin)) }
    }
}
