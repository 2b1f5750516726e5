import ArgumentParser
import Node
import Portable

/// `perigee mirror status`: on a mirror, who it is and how it stands with its upstream.
struct MirrorStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "On a mirror: show its id and how it stands with its upstream.")

    @OptionGroup var node: NodeOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let status = try await node.client().mirrorStatus()
        if json { return print(try JSON.text(status)) }
        func text(_ name: String) -> String { TerminalText.shown(status[name]?.stringValue ?? "-") }
        let offset = status["clockOffset"]?.integerValue.map { "\($0) ms" } ?? "-"
        let repositories =
            "\(status["syncedRepos"]?.integerValue ?? 0) of \(status["totalRepos"]?.integerValue ?? 0)"
        var rows = [
            ["id", text("id")], ["name", text("name")], ["upstream", text("upstreamUrl")],
            ["accepted", text("upstreamState")], ["state", text("state")],
            ["connected", status["connected"]?.boolValue == true ? "yes" : "no"],
            ["clock difference", offset], ["repositories", repositories],
        ]
        if let problem = status["lastError"]?.stringValue {
            rows.append(["problem", TerminalText.shown(problem)])
        }
        if let fetch = status["fetch"], fetch["transport"]?.stringValue == "ssh" {
            let address = fetch["address"]?.stringValue.map { " from \($0)" } ?? ""
            rows.append(["objects", TerminalText.shown("over SSH\(address)")])
            if let problem = fetch["lastError"]?.stringValue {
                rows.append(["problem", TerminalText.shown(problem)])
            }
        }
        for node in status["nodes"]?.listValue ?? [] {
            let state = node["alive"]?.boolValue == true ? node["state"]?.stringValue ?? "" : "AWAY"
            rows.append(["node", TerminalText.shown("\(node["name"]?.stringValue ?? "") \(state)")])
        }
        print(TextTable.render(rows))
    }
}
