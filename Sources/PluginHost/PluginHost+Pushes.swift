package import Portable

extension PluginHost {
    /// Asks every enabled plugin about a push, in load order; the first refusal ends it.
    ///
    /// A handler that fails or does not answer within the push wait counts as its manifest's
    /// `before_push_failure` says. So does a plugin that judges pushes and that failed or is in quarantine: a
    /// guard that cannot look lets nothing through unless its manifest says otherwise. One that is switched
    /// on per repository stands only before the repositories where it is.
    /// - Parameter payload: What handlers get.
    /// - Parameter context: Travels with the run to host functions.
    package func beforePush(_ payload: PortableValue, context: (any Sendable)? = nil) async -> PushJudgement {
        for id in order {
            // The slot is read again for each: others may have changed while one was asked.
            guard let slot = slots[id] else { continue }
            if let dispatcher = slot.dispatcher {
                if let text = await dispatcher.judge(payload, context: context) {
                    return .refuse(pluginID: id, text: text)
                }
            } else if slot.standsInForPushes, let text = await refusal(inPlaceOf: slot, payload) {
                return .refuse(pluginID: id, text: text)
            }
        }
        return .accept
    }

    private func refusal(inPlaceOf slot: PluginSlot, _ payload: PortableValue) async -> String? {
        guard let manifest = slot.candidate.manifest else { return nil }
        if manifest.repositoryConfig != nil, let number = payload["repository"]?["id"]?.integerValue {
            let scope = PluginScope.repository(RepositoryID(rawValue: number))
            // What cannot be read counts as switched on.
            let decision = try? await settingStore.fetchDecision(plugin: manifest.id, scope: scope)
            if let decision, decision.isEnabled != true { return nil }
        }
        let isQuarantined = slot.state.quarantine != nil
        let fact =
            isQuarantined ? "is in quarantine, because runs of it kept being ended" : "could not be started"
        let remedy = isQuarantined ? "release it" : "look after it"
        return """
            The plugin "\(manifest.name)" (\(manifest.id)), which judges pushes, \(fact).
            The push is refused. Ask an administrator to \(remedy), or to disable \(manifest.id).
            """
    }
}
