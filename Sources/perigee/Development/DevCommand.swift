import ArgumentParser
import FoundationEssentials
import Glibc
import Node

/// `perigee dev`: things for those who develop plugins, or Perigee.
struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev", abstract: "Try things out on this machine.",
        subcommands: [DevClusterCommand.self])
}

/// `perigee dev cluster`: several nodes with one command and one Ctrl-C.
struct DevClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "Run a cluster: PostgreSQL, nodes with a shared home, and HAProxy.",
        discussion: """
            Everything listens on 127.0.0.1 and keeps its data in one folder. Plugins go into \
            FOLDER/shared/plugins/installed-plugins. Kill a node by its process id to see what the others \
            do. Ctrl-C stops all of it; a second one at once.
            """)

    @Option(help: "How many nodes, 1 to 9.")
    var nodes = 3

    @Option(help: "Where all of it is; the same folder again goes on with what is there.")
    var folder = "perigee-cluster"

    @Option(help: "The port of HTTP; 0 for any that is free.")
    var port = 7990

    @Option(name: .customLong("ssh-port"), help: "The port of SSH; 0 for any that is free.")
    var sshPort = 7999

    @Option(
        name: .customLong("property"),
        help: ArgumentHelp("Set a configuration key of every node; repeat for more.", valueName: "key=value"))
    var properties: [String] = []

    func validate() throws {
        guard (1...9).contains(nodes) else { throw ValidationError("--nodes takes 1 to 9.") }
        for port in [port, sshPort] where !(0...65_535).contains(port) {
            throw ValidationError("A port is 0 to 65535.")
        }
        guard AbsolutePath.of(folder).utf8.count <= 80 else {
            throw ValidationError(
                "The folder's path may have 80 bytes; it holds a socket. Choose a shorter one.")
        }
    }

    func run() throws {
        let plan = DevelopmentCluster.Plan(
            nodeCount: nodes, folder: AbsolutePath.of(folder), httpPort: port, sshPort: sshPort,
            properties: properties)
        try DevelopmentCluster(plan, executable: "/proc/\(ProcessInfo.processInfo.processIdentifier)/exe") {
            print($0)
            // Also where nobody sees it at once, such as in a file.
            fflush(nil)
        }.run()
    }
}
