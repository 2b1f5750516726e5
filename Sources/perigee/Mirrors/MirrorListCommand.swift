import ArgumentParser
import Node
import Portable

/// `perigee mirror list`: the mirrors that ask, and those that were accepted, with their nodes.
struct MirrorListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List mirrors: those that ask to be accepted, and those that were.")

    @OptionGroup var node: NodeOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let mirrors = try await node.client().mirrors()
        if json { return print(try JSON.text(.list(mirrors))) }
        guard !mirrors.isEmpty else { return print("No mirror has asked to be accepted.") }
        var rows = [["ID", "NAME", "STATE", "PROJECTS", "URL", "NODES"]]
        rows += mirrors.map { mirror in
            let nodes = (mirror["nodes"]?.listValue ?? []).map { node in
                let state = node["alive"]?.boolValue == true ? node["state"]?.stringValue ?? "" : "AWAY"
                return "\(node["name"]?.stringValue ?? "") \(state)"
            }
            return [
                "mirrorId", "mirrorName", "state", "mode", "mirrorBaseUrl",
            ].map { TerminalText.shown(mirror[$0]?.stringValue ?? "") } + [
                TerminalText.shown(nodes.joined(separator: ", "))
            ]
        }
        print(TextTable.render(rows))
    }
}
