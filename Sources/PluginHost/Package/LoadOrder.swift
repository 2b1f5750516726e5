/// The order in which plugins are loaded: by id, each behind those that its manifest names under `after`.
enum LoadOrder {
    static func sorted(_ choices: [PluginCatalog.Choice]) -> [PluginCatalog.Choice] {
        var waiting = choices.sorted { $0.candidate.id < $1.candidate.id }
        var sorted: [PluginCatalog.Choice] = []
        while !waiting.isEmpty {
            let ids = Set(waiting.map(\.candidate.id))
            let next = waiting.firstIndex { choice in
                (choice.candidate.manifest?.after ?? []).allSatisfy { !ids.contains($0) }
            }
            // Plugins that wait for each other: the first by id breaks the circle.
            sorted.append(waiting.remove(at: next ?? 0))
        }
        return sorted
    }
}
