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
        var subscription: EventSubscription?
        var refusals: Int64 = 0
    }
    private let state = Mutex(State())
    private let pluginID: String
    private let bus: EventBus
    private let ceilings: PluginCeilings
    private let metrics: PluginMetrics
    let outbox: PluginOutbox

    init(pluginID: String, bus: EventBus, ceilings: PluginCeilings) {
        self.pluginID = pluginID
        self.bus = bus
        self.ceilings = ceilings
        metrics = PluginMetrics(pluginID: pluginID)
        outbox = PluginOutbox(bus: bus, pluginID: pluginID)
    }

    /// The state that serves now.
    var instance: PluginInstance? { state.withLock { $0.instance } }

    /// Gives all new work to `instance`.
    /// - Returns: The state that served before; it may still have runs.
    /// - Throws: When its events cannot be had; `instance` is closed then.
    func serve(_ instance: PluginInstance) async throws(PackageProblem) -> PluginInstance? {
        let keys = Set(instance.context.registrations.events.keys)
        // Subscribed first: that may fail. Until the state is there its events are put off.
        let subscription: EventSubscription?
        do {
            subscription = try await self.subscription(to: keys)
        } catch {
            await instance.close()
            throw error
        }
        let former = state.withLock { state in
            defer { (state.instance, state.subscription) = (instance, subscription) }
            return state.instance
        }
        instance.context.sendHeldEvents()
        return former
    }

    /// Takes no more work; events of the log wait for the next state, unless the plugin is forgotten.
    /// - Returns: The state that served; it may still have runs.
    func end() -> PluginInstance? {
        let (old, subscription) = state.withLock { state in
            defer { (state.instance, state.subscription) = (nil, nil) }
            return (state.instance, state.subscription)
        }
        subscription?.cancel()
        return old
    }

    private func subscription(to keys: Set<String>) async throws(PackageProblem) -> EventSubscription? {
        let name = PluginSubscribers.name(pluginID)
        let subscription = state.withLock { $0.subscription }
        do {
            if keys.isEmpty {
                subscription?.cancel()
                try await bus.forget { $0 == name }
                return nil
            }
            subscription?.listen(to: keys)
            if let subscription { return subscription }
            return try await bus.subscribe(keys, name: name, queueMax: ceilings.queuedEventsMax) {
                [self] event in try await handle(event)
            }
        } catch {
            throw PackageProblem(text: "its events cannot be read: \(error)")
        }
    }

    /// Runs every handler of the event's key, in order; one that fails keeps none of the others from running.
    /// - Throws: What the first failing handler threw; `EventNotTaken` when the plugin is being stopped.
    private func handle(_ event: Event) async throws {
        guard let instance else { throw EventNotTaken() }
        let payload = EventPayload.trimmed(event.payload)
        var firstError: (any Error)?
        for callback in instance.context.registrations.events[event.key] ?? [] {
            do {
                _ = try await run(instance, callback, [payload], kind: "event", wait: ceilings.eventWait)
            } catch let error where FailureLog.isStop(error) {
                throw EventNotTaken()
            } catch {
                FailureLog.write(
                    error, while: "handling \(event.key)", to: instance.context.failures, event: event.id)
                firstError = firstError ?? error
            }
        }
        if let firstError { throw firstError }
    }

    /// Asks every handler about a push, in order, until one refuses, or the time for all of them is over.
    /// - Returns: The text of the refusal; `nil` when no handler objects.
    func judge(_ payload: PortableValue, context: (any Sendable)?) async -> String? {
        guard let instance, !instance.context.registrations.pushes.isEmpty else { return nil }
        // A push waits for the answer; a plugin that is not asked stays where it is.
        instance.state.beginUrgentWork()
        defer { instance.state.endUrgentWork() }
        let end = ContinuousClock.now.advanced(by: ceilings.pushWait)
        var isLate = false
        for callback in instance.context.registrations.pushes where !isLate {
            let refusal: String?
            do {
                let results = try await run(
                    instance, callback, [payload], context: context, kind: "before_push",
                    wait: max(.zero, ContinuousClock.now.duration(to: end)), limit: ceilings.pushWait)
                refusal = Verdict.refusal(results, plugin: instance.context.manifest)
            } catch {
                FailureLog.write(error, while: "judging a push", to: instance.context.failures)
                refusal = Verdict.refusal(of: error, plugin: instance.context.manifest)
                isLate = ContinuousClock.now >= end
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
        context: (any Sendable)? = nil, kind: String, wait: Duration, limit: Duration? = nil
    ) async throws -> [PortableValue] {
        let start = ContinuousClock.now
        do {
            let results = try await instance.call(
                callback, arguments, context: context, wait: wait, limit: limit)
            metrics.ran(kind: kind, outcome: "ok", took: start.duration(to: .now))
            return results
        } catch {
            metrics.ran(kind: kind, outcome: FailureLog.outcome(error), took: start.duration(to: .now))
            throw error
        }
    }

    /// What this dispatcher alone knows; the meter has the rest.
    var statistics: PluginStatistics {
        var statistics = PluginStatistics()
        let subscription = state.withLock { state in
            statistics.refusals = state.refusals
            return state.subscription
        }
        statistics.queued = subscription?.waitingCount ?? 0
        statistics.dropped = subscription?.droppedCount ?? 0
        return statistics
    }
}
