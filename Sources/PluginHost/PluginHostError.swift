/// Why an operation on a plugin was refused.
package enum PluginHostError: Error, Sendable, Hashable, CustomStringConvertible {
    /// No plugin of that id is installed; `nearest` is the one that was perhaps meant.
    case noSuchPlugin(id: String, nearest: String?)
    /// The plugin could not be loaded or started; it is left as it was.
    case loadFailed(id: String, reason: String)
    /// The plugin's manifest declares no settings of that kind.
    case noSettings(id: String, scope: String)
    /// The settings do not fit the manifest's schema; `key` names the first one that does not.
    case invalidSettings(id: String, key: String, problem: String)
    /// The plugin was stopped before the event reached it.
    case stopped(id: String)
    /// The plugin is in quarantine and runs nothing.
    case quarantined(id: String)
    /// There is nothing to release the plugin from.
    case notQuarantined(id: String)
    /// The plugin did not answer in time.
    case timeLimit(id: String, limit: Duration)

    /// The fact as a lower-case clause.
    package var description: String {
        switch self {
        case .noSuchPlugin(let id, let nearest?):
            "no plugin \"\(id)\" is installed; did you mean \"\(nearest)\"?"
        case .noSuchPlugin(let id, nil): "no plugin \"\(id)\" is installed; see `perigee plugin list`"
        case .loadFailed(let id, let reason): "plugin \"\(id)\" could not be started: \(reason)"
        case .noSettings(let id, let scope):
            "plugin \"\(id)\" has no settings for \(scope); its plugin.json declares none"
        case .invalidSettings(let id, let key, let problem):
            "setting \"\(key)\" of plugin \"\(id)\": \(problem)"
        case .stopped(let id): "plugin \"\(id)\" was stopped"
        case .quarantined(let id):
            "plugin \"\(id)\" is in quarantine; `perigee plugin release \(id)` ends that"
        case .notQuarantined(let id): "plugin \"\(id)\" is not in quarantine"
        case .timeLimit(let id, let limit):
            "plugin \"\(id)\" did not answer within \(DurationText.text(limit))"
        }
    }
}
