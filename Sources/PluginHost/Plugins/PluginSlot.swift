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
            judgesPushes: !(dispatcher?.instance?.context.registrations.pushes.isEmpty ?? true))
    }

    var detail: PluginDetail {
        PluginDetail(
            summary: summary, location: candidate.location,
            permissions: candidate.manifest?.permissions.texts ?? [],
            registrations: dispatcher?.instance?.context.registrations.texts ?? [], shadowed: shadowed,
            statistics: dispatcher?.statistics ?? PluginStatistics())
    }
}
