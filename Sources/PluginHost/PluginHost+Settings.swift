package import Portable

extension PluginHost {
    /// The plugin's settings as written, with defaults filled in; secrets are left out.
    /// - Throws: ``PluginHostError`` when the plugin is unknown or has no settings for that scope.
    package func settings(plugin: String, scope: PluginScope) async throws -> PortableValue {
        let schema = try schema(plugin, scope)
        let decision = try await settingStore.fetchDecision(plugin: plugin, scope: scope)
        return .map(schema.shown(decision.settings))
    }

    /// Replaces the plugin's settings. A secret that is left out keeps its value; a null goes back to the
    /// default.
    /// - Throws: ``PluginHostError/invalidSettings(id:key:problem:)`` for the first value that does not fit.
    package func setSettings(_ settings: PortableValue, plugin: String, scope: PluginScope) async throws {
        let schema = try schema(plugin, scope)
        if let (key, problem) = schema.problem(of: settings) {
            throw PluginHostError.invalidSettings(id: plugin, key: key, problem: problem)
        }
        await settingTurns.enter()
        defer { settingTurns.leave() }
        let stored = try await settingStore.fetchDecision(plugin: plugin, scope: scope)
        let merged = schema.merged(settings, over: stored.settings)
        try await settingStore.putSettings(merged, plugin: plugin, scope: scope)
        await changed(plugin, scope, schema.resolved(.map(merged)))
    }

    /// Goes back to the defaults, secrets included.
    /// - Throws: ``PluginHostError``.
    package func deleteSettings(plugin: String, scope: PluginScope) async throws {
        let schema = try schema(plugin, scope)
        await settingTurns.enter()
        defer { settingTurns.leave() }
        try await settingStore.putSettings(nil, plugin: plugin, scope: scope)
        await changed(plugin, scope, schema.resolved(.map([:])))
    }

    /// Whether the plugin works there. For a repository: whether it was switched on, or has nothing to switch
    /// on per repository. For the whole server: whether it is enabled.
    /// - Throws: ``PluginHostError``.
    package func isEnabled(plugin: String, scope: PluginScope) async throws -> Bool {
        try requireKnown(plugin)
        if scope.isGlobal { return slots[plugin]?.state == .enabled }
        guard slots[plugin]?.candidate.manifest?.repositoryConfig != nil else { return true }
        return try await settingStore.fetchDecision(plugin: plugin, scope: scope).isEnabled ?? false
    }

    /// Switches the plugin on or off for one repository, or, like ``enable(_:)`` and ``disable(_:)``, for the
    /// server.
    /// - Throws: ``PluginHostError``, also when the plugin has nothing to switch on per repository.
    package func setEnabled(_ enabled: Bool, plugin: String, scope: PluginScope) async throws {
        if scope.isGlobal { return enabled ? try await enable(plugin) : try await disable(plugin) }
        _ = try schema(plugin, scope)
        try await settingStore.putEnabled(enabled, plugin: plugin, scope: scope)
        await changed(plugin, scope, [:])
    }

    /// Until the host stops: follows what is set on other nodes.
    nonisolated func watchSettings() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: configuration.watchInterval)
            await followSettings()
        }
    }

    /// Takes over settings of the server that were set on another node.
    private func followSettings() async {
        await settingTurns.enter()
        defer { settingTurns.leave() }
        guard !isStopped, let stored = try? await settingStore.fetchGlobalSettings() else { return }
        for id in order {
            guard let instance = slots[id]?.dispatcher?.instance,
                let schema = slots[id]?.candidate.manifest?.config
            else { continue }
            let values = schema.resolved(stored[id] ?? .map([:]))
            if values != instance.context.settings { await changed(id, .global, values) }
        }
    }

    private func schema(_ plugin: String, _ scope: PluginScope) throws -> SettingSchema {
        try requireKnown(plugin)
        let manifest = slots[plugin]?.candidate.manifest
        guard let schema = scope.isGlobal ? manifest?.config : manifest?.repositoryConfig else {
            throw PluginHostError.noSettings(id: plugin, scope: scope.description)
        }
        return schema
    }

    /// The running plugin reads the new values from now on, and hears that they changed.
    private func changed(_ plugin: String, _ scope: PluginScope, _ values: [String: PortableValue]) async {
        guard let instance = slots[plugin]?.dispatcher?.instance else { return }
        if scope.isGlobal { instance.context.replaceSettings(values) }
        let registrations = instance.context.registrations
        let arguments = scope.repository.map { [PortableValue.integer($0.rawValue)] } ?? []
        for callback in scope.isGlobal ? registrations.settingChanges : registrations.repositorySettingChanges
        {
            do {
                _ = try await instance.call(callback, arguments, wait: configuration.ceilings.eventWait)
            } catch {
                FailureLog.write(error, while: "taking new settings", to: instance.context.failures)
            }
        }
    }
}
