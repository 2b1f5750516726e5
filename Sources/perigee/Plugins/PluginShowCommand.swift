import ArgumentParser
import Node
import Portable

/// `perigee plugin show ID`: everything a node knows of one plugin.
struct PluginShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one plugin: state, permissions, registrations, figures.")

    @Argument(help: "The plugin's id, as perigee plugin list prints it.")
    var id: String

    @OptionGroup var node: NodeOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let plugin = try await node.client().plugin(id)
        print(json ? try JSON.text(plugin) : PluginPage.render(plugin))
    }
}
