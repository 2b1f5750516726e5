import LuaRuntime
import Portable
import Synchronization

/// One loaded state of a plugin, and the runs that are in it.
final class PluginInstance: Sendable {
    let context: PluginContext
    let state: LuaState
    let meter: PluginMeter
    /// What it has registered with services, once it serves.
    let offers = PluginOffers()
    private struct Running {
        var count = 0
        var lastWaiter = 0
        var idle: [Int: CheckedContinuation<Void, Never>] = [:]
    }
    private let running = Mutex(Running())

    init(context: PluginContext, state: LuaState, meter: PluginMeter) {
        self.context = context
        self.state = state
        self.meter = meter
        context.instance = self
    }

    /// Calls a handler, and ends it when it waits too long.
    /// - Throws: `LuaError`; ``PluginHostError/timeLimit(id:limit:)``; ``PluginHostError/quarantined(id:)``.
    func call(
        _ callback: PluginCallback, object: LuaObject? = nil, _ arguments: [PortableValue],
        context callerContext: (any Sendable)? = nil,
        wait: Duration, limit: Duration? = nil
    ) async throws -> [PortableValue] {
        guard !meter.isHalted else { throw PluginHostError.quarantined(id: context.id) }
        running.withLock { $0.count += 1 }
        defer { leave() }
        let state = state
        let late = PluginHostError.timeLimit(id: context.id, limit: limit ?? wait)
        do {
            let results = try await WaitLimit.run(wait, orThrow: late) {
                try await state.call(
                    callback.reference, object: object, arguments, context: callerContext)
            }
            meter.ran()
            return results
        } catch {
            meter.failed(error)
            throw error
        }
    }

    /// Puts back what a newer state that could not be started had taken over.
    func renewOffers() async {
        await offers.end()
        do {
            try await offers.begin(context.registrations.offers)
        } catch {
            FailureLog.write(error, while: "going on after a reload that failed", to: context.failures)
        }
    }

    /// Ends every run, and returns the state's memory.
    func close() async {
        await state.close()
        context.handles.endAll()
        await offers.end()
        let end = ContinuousClock.now.advanced(by: .seconds(1))
        context.log.flush(now: end)
        context.failures.flush(now: end)
        meter.leave(state)
    }

    /// Returns when no run is left, or after `limit`.
    func drain(within limit: Duration) async {
        let ended = PluginHostError.stopped(id: context.id)
        _ = try? await WaitLimit.run(limit, orThrow: ended) { [self] in await idle() }
    }

    /// Returns when no run is left, or when the task is cancelled.
    private func idle() async {
        let number = running.withLock { running in
            running.lastWaiter += 1
            return running.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isIdle = running.withLock { running in
                    guard running.count > 0, !Task.isCancelled else { return true }
                    running.idle[number] = continuation
                    return false
                }
                if isIdle { continuation.resume() }
            }
        } onCancel: {
            running.withLock { $0.idle.removeValue(forKey: number) }?.resume()
        }
    }

    private func leave() {
        let idle = running.withLock { running -> [CheckedContinuation<Void, Never>] in
            running.count -= 1
            guard running.count == 0 else { return [] }
            defer { running.idle = [:] }
            return Array(running.idle.values)
        }
        for continuation in idle { continuation.resume() }
    }
}
