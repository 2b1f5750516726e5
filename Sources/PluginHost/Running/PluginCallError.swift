/// Why a plugin's function gave nothing when the host called it.
package enum PluginCallError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The plugin is being stopped, reloaded or is in quarantine: the call is not to be held against what it
    /// was about.
    case stopped
    /// It raised, or was ended; `outcome` is the kind of failure as metrics have it, and the text names the
    /// place in the plugin's code.
    case failed(outcome: String, text: String)

    package var description: String {
        switch self {
        case .stopped: "the plugin is being stopped"
        case .failed(_, let text): text
        }
    }
}
