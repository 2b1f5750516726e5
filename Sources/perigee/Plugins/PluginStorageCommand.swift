import ArgumentParser
import Node
import Portable

/// `perigee plugin kv ID`: what a plugin keeps in key-value storage.
struct PluginStorageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kv", abstract: "Show what a plugin keeps: one key and its value per line.")

    @Argument(help: "The plugin's id.")
    var id: String

    @Option(help: "Only keys that begin so.")
    var prefix = ""

    @OptionGroup var node: NodeOptions

    @Flag(help: "Print JSON, with versions.")
    var json = false

    func run() async throws {
        let entries = try await node.client().storedValues(of: id, prefix: prefix)
        if json {
            print(try JSON.text(.list(entries)))
            return
        }
        for entry in entries {
            let value = try JSON.text(entry["value"] ?? .null)
            print("\(TerminalText.shown(entry["key"]?.stringValue ?? ""))  \(TerminalText.shown(value))")
        }
    }
}
