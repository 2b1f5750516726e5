import ArgumentParser
import Node

/// `perigee`: the command line, which parses and dispatches, and decides nothing.
struct PerigeeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "perigee", abstract: "A Git server that Lua plugins extend.", version: Release.version,
        subcommands: [
            ServeCommand.self, DatabaseCommand.self, PluginCommand.self, AdminCommand.self,
            MirrorCommand.self, DevCommand.self,
            SDKCommand.self,
        ])
}
