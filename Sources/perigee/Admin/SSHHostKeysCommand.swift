import ArgumentParser
import Node
import Portable

/// `perigee admin ssh-host-keys`: by what clients know the server.
struct SSHHostKeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ssh-host-keys",
        abstract: "Print the fingerprints of the keys by which a node proves itself over SSH.")

    @OptionGroup var node: NodeOptions

    @Flag(help: "Print the keys as lines for known_hosts.")
    var knownHosts = false

    func run() async throws {
        let settings = try await node.client().sshSettings()
        guard settings["enabled"]?.boolValue == true else {
            throw ValidationError("This node does not serve SSH: plugin.ssh.enabled is false.")
        }
        let keys = settings["hostKeys"]?.listValue ?? []
        if knownHosts {
            let host = Self.knownHost(settings["baseUrl"]?.stringValue ?? "")
            for key in keys { print("\(host) \(TerminalText.shown(key["text"]?.stringValue ?? ""))") }
            return
        }
        let rows = keys.map { key in
            ["algorithmType", "fingerprint"].map { TerminalText.shown(key[$0]?.stringValue ?? "") }
        }
        print(TextTable.render(rows))
    }

    /// The host of `ssh://git@host:port` as `known_hosts` writes it.
    static func knownHost(_ base: String) -> String {
        let authority = base.split(separator: "@").last ?? ""
        let parts = authority.split(separator: ":")
        guard let port = parts.last, parts.count > 1, port != "22" else { return String(authority) }
        let host = authority.dropLast(port.count + 1)
        return host.hasPrefix("[") ? "\(host):\(port)" : "[\(host)]:\(port)"
    }
}
