/// A plugin as the host keeps it, running or not.
struct PluginSlot {
    var candidate: PluginCandidate
    var shadowed: [String]
    var state: PluginState
    /// There while the plugin is enabled.
    var dispatcher: PluginDispatcher?

    init(_ choice: PluginCatalog.Choice, state: PluginState) {
        candidate = choice.candidate
        shadowed = choice.shadowed
        self.state = state
    }

    var summary: PluginSummary {
        let manifest = candidate.manifest
        return PluginSummary(
            id: candidate.id, name: manifest?.name ?? candidate.id,
            version: manifest?.version.description ?? "",
            description: manifest?.summary, vendor: manifest?.vendor, isFirstParty: candidate.isFirstParty,
            state: state, hasRepositorySettings: manifest?.repositoryConfig != nil,
            judgesPushes: dispatcher?.instance.map { !$0.context.registrations.pushes.isEmpty }
                ?? standsInForPushes)
    }

    /// Whether pushes are refused in its place: it judges them, its manifest wants them refused when it
    /// cannot, and it failed or is in quarantine. An administrator who disables it decides otherwise.
    var standsInForPushes: Bool {
        guard let manifest = candidate.manifest, manifest.permissions.beforePush,
            manifest.pushFailure == .refuse
        else { return false }
        switch state {
        case .failed, .quarantined: return true
        case .installed, .starting, .enabled, .disabled: return false
        }
    }

    func detail(_ meter: PluginMeter?) -> PluginDetail {
        PluginDetail(
            summary: summary, location: candidate.location,
            permissions: candidate.manifest?.permissions.texts ?? [],
            registrations: dispatcher?.instance?.context.registrations.texts ?? [], shadowed: shadowed,
            statistics: statistics(meter))
    }

    func statistics(_ meter: PluginMeter?) -> PluginStatistics {
        var statistics = dispatcher?.statistics ?? PluginStatistics()
        meter?.fill(&statistics)
        return statistics
    }
}
