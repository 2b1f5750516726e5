import ArgumentParser
import Node
import Portable

/// `perigee plugin list`: one line per plugin.
struct PluginListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the plugins of a node with their states.")

    @OptionGroup var node: NodeOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let plugins = try await node.client().plugins()
        if json {
            print(try JSON.text(.list(plugins)))
            return
        }
        var rows = [["ID", "VERSION", "STATE", "NAME"]]
        rows += plugins.map { plugin in
            ["id", "version", "state", "name"].map { plugin[$0]?.stringValue ?? "" }
        }
        print(TextTable.render(rows))
        for plugin in plugins {
            guard let reason = plugin["reason"]?.stringValue else { continue }
            let since =
                plugin["quarantinedSince"]?.integerValue.map { " since \(TerminalText.time($0))" } ?? ""
            print("\(plugin["id"]?.stringValue ?? ""):\(since) \(TerminalText.shown(reason))")
        }
    }
}
