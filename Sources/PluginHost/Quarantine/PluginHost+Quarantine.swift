import Logging
import LuaRuntime
import Portable

extension PluginHost {
    /// A plugin of which too many runs were ended.
    struct Excess: Sendable {
        let pluginID: String
        let reason: String
    }

    /// Ends a plugin's quarantine on every node, and starts it here; the others follow within two seconds.
    /// - Parameter principal: Who decides, for the audit log.
    /// - Throws: ``PluginHostError``; the quarantine is over also when the plugin then cannot be started.
    package func release(_ id: String, by principal: String) async throws {
        await changes.enter()
        defer { changes.leave() }
        try requireKnown(id)
        let wasNoted = try await quarantines.remove(id)
        guard wasNoted || slots[id]?.state.quarantine != nil else {
            throw PluginHostError.notQuarantined(id: id)
        }
        unwritten.remove(id)
        audit.notice(
            "plugin released", metadata: ["plugin.id": "\(id)", "user": "\(principal)"])
        try await comeBack(id)
    }

    /// The figures of a plugin, made when first asked for.
    func meter(of id: String) -> PluginMeter {
        if let meter = meters[id] { return meter }
        let found = excessesFound
        let meter = PluginMeter(pluginID: id, ceilings: configuration.ceilings) { id, reason in
            found.yield(Excess(pluginID: id, reason: reason))
        }
        meters[id] = meter
        return meter
    }

    /// Stops a plugin on this node and notes it for all. Its runs are ended and its stop handlers do not run.
    func quarantine(_ excess: Excess) async {
        let id = excess.pluginID
        await changes.enter()
        defer { changes.leave() }
        guard !isStopped, slots[id]?.dispatcher != nil, meters[id]?.isHalted == true else { return }
        await confine(id, await note(id, reason: excess.reason))
        audit.warning(
            "plugin quarantined",
            metadata: [
                "plugin.id": "\(id)", "reason": "\(excess.reason)", "node.id": "\(configuration.node)",
            ])
    }

    /// Until the host stops: follows what other nodes note, and lets logs say what they left out.
    nonisolated func lookAround() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: configuration.watchInterval)
            await followOthers()
            for log in await meters.values.flatMap(\.logs) { log.flush() }
        }
    }

    private func followOthers() async {
        guard !isStopped, let seen = try? await quarantines.fetchAll(), differs(seen) else { return }
        await changes.enter()
        defer { changes.leave() }
        // Read again, since this node may have changed it while it waited for its turn.
        guard !isStopped, let noted = try? await quarantines.fetchAll() else { return }
        for id in order {
            switch (slots[id]?.state, noted[id]) {
            case (.enabled, let quarantine?):
                await confine(id, quarantine)
            case (.quarantined(let known), nil) where unwritten.contains(id):
                slots[id]?.state = .quarantined(await note(id, reason: known.reason))
            case (.quarantined, nil):
                // Its failure is in the list and in the log.
                try? await comeBack(id)
            case (.quarantined, let quarantine?):
                slots[id]?.state = .quarantined(quarantine)
            default: break
            }
        }
    }

    private func differs(_ noted: [String: Quarantine]) -> Bool {
        slots.contains { id, slot in
            switch slot.state {
            case .enabled: noted[id] != nil
            case .quarantined(let known): noted[id] != known
            default: false
            }
        }
    }

    private func note(_ id: String, reason: String) async -> Quarantine {
        do {
            let quarantine = try await quarantines.put(id, reason: reason, node: configuration.node)
            unwritten.remove(id)
            return quarantine
        } catch {
            // It holds on this node, and is written when the database is back.
            unwritten.insert(id)
            logger.error(
                "a quarantine cannot be noted yet", metadata: ["plugin.id": "\(id)", "error": "\(error)"])
            return Quarantine(reason: reason, node: configuration.node, since: 0)
        }
    }

    private func confine(_ id: String, _ quarantine: Quarantine) async {
        let dispatcher = slots[id]?.dispatcher
        slots[id]?.dispatcher = nil
        slots[id]?.state = .quarantined(quarantine)
        if let instance = dispatcher?.end() {
            await instance.close()
            await letGo(of: instance)
        }
        logger.error(
            "plugin quarantined", metadata: ["plugin.id": "\(id)", "reason": "\(quarantine.reason)"])
    }

    private func comeBack(_ id: String) async throws {
        meters[id]?.resume()
        guard slots[id]?.state.quarantine != nil else { return }
        await bringUp(id)
        if case .failed(let reason)? = slots[id]?.state {
            throw PluginHostError.loadFailed(id: id, reason: reason)
        }
    }
}
