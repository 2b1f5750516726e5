import ArgumentParser

/// `perigee plugin`: what a running node knows of its plugins.
struct PluginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin", abstract: "Ask a running node about its plugins.",
        subcommands: [PluginListCommand.self, PluginShowCommand.self])
}
