import Logging
import LuaRuntime
import Portable

extension PluginHost {
    /// Switches a plugin on, for good, and starts it.
    /// - Throws: ``PluginHostError``; the plugin stays switched on and is marked as failed when it cannot be
    ///   started.
    package func enable(_ id: String) async throws {
        await changes.enter()
        defer { changes.leave() }
        try requireKnown(id)
        try await settingStore.putEnabled(true, plugin: id, scope: .global)
        guard slots[id]?.dispatcher == nil else { return }
        await bringUp(id)
        try requireStarted(id)
    }

    /// Switches a plugin off, for good, and ends what it runs; returns when it has ended.
    /// - Throws: ``PluginHostError``.
    package func disable(_ id: String) async throws {
        await changes.enter()
        defer { changes.leave() }
        try requireKnown(id)
        try await settingStore.putEnabled(false, plugin: id, scope: .global)
        await tearDown(id)
        await forgetEvents(of: id)
        slots[id]?.state = .disabled
    }

    /// Reads the plugin from disk again, also one that was copied there since the start, and swaps it in: new
    /// work goes to the new state while the old one drains. No event is lost or handled twice by it.
    /// - Throws: ``PluginHostError``; the old state serves on when the new one cannot be started.
    package func reload(_ id: String) async throws {
        await changes.enter()
        defer { changes.leave() }
        guard let choice = await scan().first(where: { $0.candidate.id == id }) else {
            try requireKnown(id)
            await tearDown(id)
            await forgetEvents(of: id)
            slots[id] = nil
            meters[id] = nil
            order.removeAll { $0 == id }
            return
        }
        guard let dispatcher = slots[id]?.dispatcher else {
            if slots[id] == nil { order.append(id) }
            slots[id] = PluginSlot(choice, state: .starting)
            await bringUp(id)
            return try requireStarted(id)
        }
        let fresh: PluginInstance
        do {
            fresh = try await loader.load(
                choice.candidate, outbox: dispatcher.outbox, meter: meter(of: id))
        } catch {
            throw PluginHostError.loadFailed(id: id, reason: error.text)
        }
        if isServing, let problem = await beginServing(fresh) {
            await fresh.close()
            await dispatcher.instance?.renewOffers()
            throw PluginHostError.loadFailed(id: id, reason: problem)
        }
        let old: PluginInstance?
        do {
            old = try await dispatcher.serve(fresh)
        } catch {
            throw PluginHostError.loadFailed(id: id, reason: error.text)
        }
        slots[id]?.candidate = choice.candidate
        slots[id]?.shadowed = choice.shadowed
        logger.info(
            "plugin reloaded", metadata: ["plugin.id": "\(id)", "version": "\(fresh.context.version)"])
        if let old { await retire(old) }
    }

    /// Starts a plugin that does not run, as far as its switch, its mode and its code allow.
    func bringUp(_ id: String) async {
        guard let slot = slots[id] else { return }
        slots[id]?.state = .starting
        if case .failure(let problem) = slot.candidate.package { return fail(id, problem.text) }
        if let manifest = slot.candidate.manifest, !manifest.modes.contains(configuration.mode) {
            let modes = manifest.modes.joined(separator: ", ")
            slots[id]?.state = .installed(
                reason: "runs in modes \(modes); this node is a \(configuration.mode)")
            return
        }
        do {
            let decision = try await settingStore.fetchDecision(plugin: id, scope: .global)
            if decision.isEnabled == false || configuration.disabled.contains(id) {
                slots[id]?.state = .disabled
                return
            }
            if let quarantine = try await quarantines.fetch(id) {
                slots[id]?.state = .quarantined(quarantine)
                return
            }
        } catch {
            return fail(id, "its switch cannot be read: \(error)")
        }
        let meter = meter(of: id)
        meter.resume()
        let dispatcher = PluginDispatcher(pluginID: id, bus: events, ceilings: configuration.ceilings)
        do {
            let instance = try await loader.load(slot.candidate, outbox: dispatcher.outbox, meter: meter)
            if isServing, let problem = await beginServing(instance) {
                await instance.close()
                _ = dispatcher.end()
                return fail(id, problem)
            }
            _ = try await dispatcher.serve(instance)
            slots[id]?.dispatcher = dispatcher
            slots[id]?.state = .enabled
            logger.info(
                "plugin enabled", metadata: ["plugin.id": "\(id)", "version": "\(instance.context.version)"])
        } catch {
            _ = dispatcher.end()
            fail(id, error.text)
        }
    }

    /// Ends a plugin that runs; its state is the caller's to set.
    func tearDown(_ id: String) async {
        guard let dispatcher = slots[id]?.dispatcher else { return }
        slots[id]?.dispatcher = nil
        await end(dispatcher)
    }

    func fail(_ id: String, _ reason: String) {
        slots[id]?.state = .failed(reason: reason)
        logger.error("plugin failed", metadata: ["plugin.id": "\(id)", "reason": "\(reason)"])
    }

    /// Runs the start handlers, then begins what the plugin registered with services.
    /// - Returns: What went wrong; `nil` when nothing did.
    func beginServing(_ instance: PluginInstance) async -> String? {
        if let problem = await runStarts(instance) { return problem }
        do {
            try await instance.offers.begin(instance.context.registrations.offers)
            return nil
        } catch {
            return error.text
        }
    }

    /// - Returns: What went wrong; `nil` when every start handler ran.
    private func runStarts(_ instance: PluginInstance) async -> String? {
        do {
            for callback in instance.context.registrations.starts {
                _ = try await instance.call(callback, [], wait: configuration.ceilings.eventWait)
            }
            return nil
        } catch {
            FailureLog.write(error, while: "starting", to: instance.context.failures)
            return "\(error)"
        }
    }

    nonisolated func end(_ dispatcher: PluginDispatcher) async {
        guard let instance = dispatcher.end() else { return }
        await retire(instance)
        await letGo(of: instance)
    }

    /// Lets go of what a state still holds that has ended, with no newer one in its place.
    nonisolated func letGo(of instance: PluginInstance) async {
        for module in loader.modules { await module.release?(instance.context.id) }
    }

    /// Waits for the runs in a state that serves no more, runs its stop handlers, and returns its memory.
    nonisolated func retire(_ instance: PluginInstance) async {
        await instance.offers.end()
        await instance.drain(within: configuration.ceilings.stopGrace)
        for callback in instance.context.registrations.stops {
            do {
                _ = try await instance.call(callback, [], wait: configuration.ceilings.stopGrace)
            } catch {
                FailureLog.write(error, while: "stopping", to: instance.context.failures)
            }
        }
        await instance.close()
    }

    func scan() async -> [PluginCatalog.Choice] {
        PluginCatalog(
            firstPartyDirectory: configuration.firstPartyDirectory,
            installedDirectory: configuration.installedDirectory, logger: logger
        ).choices()
    }

    func requireKnown(_ id: String) throws {
        guard slots[id] == nil else { return }
        throw PluginHostError.noSuchPlugin(id: id, nearest: Nearest.match(id, among: order))
    }

    private func requireStarted(_ id: String) throws {
        if case .failed(let reason)? = slots[id]?.state {
            throw PluginHostError.loadFailed(id: id, reason: reason)
        }
    }
}
