import ArgumentParser

/// `perigee plugin`: what a running node knows of its plugins, and what an administrator does to them.
struct PluginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin", abstract: "Ask a running node about its plugins, and change how they stand.",
        subcommands: [
            PluginListCommand.self, PluginShowCommand.self, PluginTopCommand.self, PluginStorageCommand.self,
            PluginEnableCommand.self, PluginDisableCommand.self, PluginReloadCommand.self,
            PluginReleaseCommand.self, PluginConformanceCommand.self,
        ])
}
