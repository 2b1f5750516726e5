/// How the plugins of a node are found and bounded.
package struct PluginHostConfiguration: Sendable {
    /// The distribution's `plugins/` folder, one folder per plugin; `nil` when there is none.
    package var firstPartyDirectory: String?
    /// The shared home's `plugins/installed-plugins`; need not exist; `nil` on a node that runs none of them.
    package var installedDirectory: String?
    /// What the operator allows a plugin at most.
    package var ceilings: PluginCeilings
    /// Plugins that are not run whatever the database says.
    package var disabled: Set<String>
    /// The node's mode: `primary`, `mirror` or `standby`. A plugin runs in the modes its manifest names.
    package var mode: String
    /// Threads that run the Lua code of installed plugins; first-party ones have as many of their own.
    package var threads: Int
    /// This node's name, as it is noted where all nodes see it.
    package var node = ""
    /// How often this node looks at what others noted, and lets logs say what they left out.
    package var watchInterval: Duration = .seconds(1)

    /// - Parameter threads: At least 1.
    package init(
        firstPartyDirectory: String?, installedDirectory: String?, ceilings: PluginCeilings = PluginCeilings(),
        disabled: Set<String> = [], mode: String = "primary", threads: Int = 1
    ) {
        self.firstPartyDirectory = firstPartyDirectory
        self.installedDirectory = installedDirectory
        self.ceilings = ceilings
        self.disabled = disabled
        self.mode = mode
        self.threads = max(1, threads)
    }
}
