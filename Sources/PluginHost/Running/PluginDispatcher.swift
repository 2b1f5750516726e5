import ClusterServices
import Logging
import LuaRuntime
import Metrics
import Portable
import Synchronization

/// Brings events and pushes to one plugin, whatever state of it serves: a reload swaps the state under it.
final class PluginDispatcher: Sendable {
    private struct State {
        var instance: PluginInstance?
        var subscriptions: [String: EventSubscription] = [:]
        var runs: Int64 = 0
        var failures: Int64 = 0
        var refusals: Int64 = 0
    }
    private let state = Mutex(State())
    private let pluginID: String
    private let bus: EventBus
    private let ceilings: PluginCeilings
    private let turns: EventTurns
    private let metrics: PluginMetrics
    let outbox: PluginOutbox

    init(pluginID: String, bus: EventBus, ceilings: PluginCeilings) {
        self.pluginID = pluginID
        self.bus = bus
        self.ceilings = ceilings
        turns = EventTurns(pluginID: pluginID, waitingMax: ceilings.queuedEventsMax)
        metrics = PluginMetrics(pluginID: pluginID)
        outbox = PluginOutbox(bus: bus, countMax: ceilings.queuedEventsMax)
    }

    /// The state that serves now.
    var instance: PluginInstance? { state.withLock { $0.instance } }

    /// Gives all new work to `instance`.
    /// - Returns: The state that served before; it may still have runs.
    func serve(_ instance: PluginInstance) -> PluginInstance? {
        let keys = Set(instance.context.registrations.events.keys)
        let (old, gone) = state.withLock { state in
            let old = state.instance
            state.instance = instance
            let gone = state.subscriptions.filter { !keys.contains($0.key) }
            for key in gone.keys { state.subscriptions[key] = nil }
            for key in keys where state.subscriptions[key] == nil {
                state.subscriptions[key] = bus.subscribe(key, name: "plugin \(pluginID)") { [self] event in
                    try await turns.handle(event) { try await handle($0) }
                }
            }
            return (old, gone)
        }
        for subscription in gone.values { subscription.cancel() }
        return old
    }

    /// Takes no more work; events that wait fail.
    /// - Returns: The state that served; it may still have runs.
    func end() -> PluginInstance? {
        let (old, subscriptions) = state.withLock { state in
            defer {
                state.instance = nil
                state.subscriptions = [:]
            }
            return (state.instance, Array(state.subscriptions.values))
        }
        for subscription in subscriptions { subscription.cancel() }
        turns.close()
        outbox.stop()
        return old
    }

    /// Runs every handler of the event's key, in order; one that fails keeps none of the others from running.
    /// - Throws: What the first failing handler threw.
    private func handle(_ event: Event) async throws {
        guard let instance else { throw PluginHostError.stopped(id: pluginID) }
        let payload = EventPayload.trimmed(event.payload)
        var firstError: (any Error)?
        for callback in instance.context.registrations.events[event.key] ?? [] {
            do {
                _ = try await run(instance, callback, [payload], kind: "event", wait: ceilings.eventWait)
            } catch {
                FailureLog.write(
                    error, while: "handling \(event.key)", to: instance.context.logger, event: event.id)
                firstError = firstError ?? error
            }
        }
        if let firstError { throw firstError }
    }

    /// Asks every handler about a push, in order, until one refuses.
    /// - Returns: The text of the refusal; `nil` when no handler objects.
    func judge(_ payload: PortableValue, context: (any Sendable)?) async -> String? {
        guard let instance else { return nil }
        for callback in instance.context.registrations.pushes {
            let refusal: String?
            do {
                let results = try await run(
                    instance, callback, [payload], context: context, kind: "before_push",
                    wait: ceilings.pushWait)
                refusal = Verdict.refusal(results, plugin: instance.context.manifest)
            } catch {
                FailureLog.write(error, while: "judging a push", to: instance.context.logger)
                refusal = Verdict.refusal(of: error, plugin: instance.context.manifest)
            }
            if let refusal {
                state.withLock { $0.refusals += 1 }
                metrics.refusals.increment()
                return refusal
            }
        }
        return nil
    }

    /// Runs handlers that were registered for the plugin's own life, in order.
    /// - Throws: What the first failing handler threw; the ones after it do not run.
    func runAll(
        _ callbacks: [PluginCallback], of instance: PluginInstance, _ arguments: [PortableValue] = [],
        kind: String, wait: Duration
    ) async throws {
        for callback in callbacks { _ = try await run(instance, callback, arguments, kind: kind, wait: wait) }
    }

    private func run(
        _ instance: PluginInstance, _ callback: PluginCallback, _ arguments: [PortableValue],
        context: (any Sendable)? = nil, kind: String, wait: Duration
    ) async throws -> [PortableValue] {
        let start = ContinuousClock.now
        defer { metrics.record(statistics) }
        do {
            let results = try await instance.call(callback, arguments, context: context, wait: wait)
            state.withLock { $0.runs += 1 }
            metrics.ran(kind: kind, outcome: "ok", took: start.duration(to: .now))
            return results
        } catch {
            state.withLock { state in
                state.runs += 1
                state.failures += 1
            }
            metrics.ran(kind: kind, outcome: FailureLog.outcome(error), took: start.duration(to: .now))
            throw error
        }
    }

    /// The figures since this dispatcher was made.
    var statistics: PluginStatistics {
        var statistics = PluginStatistics()
        let instance = state.withLock { state in
            statistics.runs = state.runs
            statistics.failures = state.failures
            statistics.refusals = state.refusals
            return state.instance
        }
        statistics.queued = Int64(turns.waitingCount)
        statistics.coalesced = turns.coalescedCount
        if let instance {
            let lua = instance.state.statistics()
            statistics.logLinesDropped = instance.context.log.dropped
            statistics.cpuNanoseconds = lua.cpuNanoseconds
            statistics.heapBytes = Int64(lua.heapBytes)
            statistics.heapPeakBytes = Int64(lua.heapPeakBytes)
            statistics.kills = lua.kills.mapValues(Int64.init)
        }
        return statistics
    }
}
