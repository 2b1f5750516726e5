/// Where a plugin stands on this node.
package enum PluginState: Sendable, Hashable {
    /// Found on disk and not run, with the reason, such as a mode that the plugin does not name.
    case installed(reason: String)
    /// Its main chunk or its start handlers run now.
    case starting
    /// It is served events and asked about pushes.
    case enabled
    /// An administrator switched it off.
    case disabled
    /// It could not be loaded or started; the reason names the file and the line where there is one.
    case failed(reason: String)
    /// It was stopped because it kept exceeding its limits.
    case quarantined(Quarantine)

    /// The state's name in logs, the REST API and `perigee plugin list`: `enabled`, `failed` and so on.
    package var name: String {
        switch self {
        case .installed: "installed"
        case .starting: "starting"
        case .enabled: "enabled"
        case .disabled: "disabled"
        case .failed: "failed"
        case .quarantined: "quarantined"
        }
    }

    /// Why it is so; `nil` for the states that need no reason.
    package var reason: String? {
        switch self {
        case .installed(let reason), .failed(let reason): reason
        case .quarantined(let quarantine): quarantine.reason
        case .starting, .enabled, .disabled: nil
        }
    }

    /// Why no node runs it; `nil` unless it is in quarantine.
    package var quarantine: Quarantine? {
        if case .quarantined(let quarantine) = self { quarantine } else { nil }
    }
}
