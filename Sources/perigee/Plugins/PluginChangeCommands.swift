import ArgumentParser
import Node
import Portable

/// A command that does one thing to one plugin of a node and tells how the plugin stands then.
protocol PluginChangeCommand: AsyncParsableCommand {
    static var action: NodeClient.PluginAction { get }
    var id: String { get }
    var node: NodeOptions { get }
}

extension PluginChangeCommand {
    func run() async throws {
        let plugin = try await node.client().change(id, Self.action)
        let state = plugin["state"]?.stringValue ?? "gone"
        let reason = plugin["reason"]?.stringValue.map { ": \($0)" } ?? ""
        print("\(id) is \(state)\(reason)")
    }
}

/// `perigee plugin enable ID`.
struct PluginEnableCommand: PluginChangeCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable", abstract: "Switch a plugin on, and start it.")
    static let action = NodeClient.PluginAction.enable

    @Argument(help: "The plugin's id.")
    var id: String
    @OptionGroup var node: NodeOptions
}

/// `perigee plugin disable ID`.
struct PluginDisableCommand: PluginChangeCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable", abstract: "Switch a plugin off, and end what it runs.")
    static let action = NodeClient.PluginAction.disable

    @Argument(help: "The plugin's id.")
    var id: String
    @OptionGroup var node: NodeOptions
}

/// `perigee plugin reload ID`.
struct PluginReloadCommand: PluginChangeCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Read a plugin from disk again, also a new one, and swap it in.")
    static let action = NodeClient.PluginAction.reload

    @Argument(help: "The plugin's id.")
    var id: String
    @OptionGroup var node: NodeOptions
}

/// `perigee plugin release ID`.
struct PluginReleaseCommand: PluginChangeCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "End a plugin's quarantine on every node, and start it.")
    static let action = NodeClient.PluginAction.release

    @Argument(help: "The plugin's id.")
    var id: String
    @OptionGroup var node: NodeOptions
}
