import FoundationEssentials
import Glibc

/// Several nodes on one machine for trying things out: a throw-away PostgreSQL, a shared home, and HAProxy
/// before the nodes.
package final class DevelopmentCluster {
    /// What is to be run.
    package struct Plan: Sendable {
        /// How many nodes, 1 to 9.
        package var nodeCount: Int
        /// Where all of it is; made when it is missing, and used again when it is not.
        package var folder: String
        /// The port of HTTP on 127.0.0.1; 0 lets the system choose.
        package var httpPort: Int
        /// The port of SSH on 127.0.0.1; 0 lets the system choose.
        package var sshPort: Int
        /// Further properties of every node, as `key=value`.
        package var properties: [String]

        /// Names all of it.
        package init(nodeCount: Int, folder: String, httpPort: Int, sshPort: Int, properties: [String]) {
            self.nodeCount = nodeCount
            self.folder = folder
            self.httpPort = httpPort
            self.sshPort = sshPort
            self.properties = properties
        }
    }

    private struct Doors {
        let http: ListeningSocket
        let ssh: ListeningSocket
    }

    private let plan: Plan
    private let executable: String
    private let say: (String) -> Void
    private var nodes: [ClusterProgram] = []
    private var balancer: ClusterProgram?
    private var database: ClusterProgram?

    /// How long nodes have to end what runs, in milliseconds; then they are killed.
    private static let patience = 60_000

    /// - Parameter executable: The program `perigee`.
    /// - Parameter say: Shows a line.
    package init(_ plan: Plan, executable: String, say: @escaping (String) -> Void) {
        self.plan = plan
        self.executable = executable
        self.say = say
    }

    /// Starts everything, waits until SIGINT or SIGTERM comes or a program ends, and stops everything.
    /// - Throws: ``DevelopmentError``; everything has been stopped then, too.
    package func run() throws(DevelopmentError) {
        let stop = StopRequest()
        let tools = try ClusterTools()
        let folder = try ClusterFolder(plan.folder)
        defer { withExtendedLifetime(folder) {} }
        let postgres = try ThrowAwayPostgres(folder, tools: tools)
        let doors = Doors(
            http: try ListeningSocket(port: plan.httpPort), ssh: try ListeningSocket(port: plan.sshPort))
        defer { stopAll(stop) }
        say("Starting PostgreSQL in \(postgres.folder).")
        database = try postgres.start()
        let password = try folder.password()
        var places: [BalancedNode] = []
        for number in 1...plan.nodeCount {
            guard !stop.isRequested else { return }
            say("Starting node \(number) of \(plan.nodeCount).")
            let place = try startNode(
                number, in: folder, database: postgres.url, password: password, doors: doors, stop: stop)
            if let place { places.append(place) }
        }
        guard !stop.isRequested else { return }
        try startBalancer(tools.haproxy, places, doors: doors, in: folder)
        greet(places, doors: doors, password: password, in: folder)
        try watch(stop, in: folder)
    }

    private func greet(
        _ places: [BalancedNode], doors: Doors, password: String, in folder: ClusterFolder
    ) {
        for (place, program) in zip(places, nodes) {
            say(
                "  \(place.name): http://\(place.host):\(place.httpPort), process \(program.identifier), "
                    + "log \(folder.log(place.name))")
        }
        if places.contains(where: { $0.sshPort != nil }) {
            say("SSH: ssh://git@127.0.0.1:\(doors.ssh.port)")
        }
        say("Ctrl-C stops all. The folder \(folder.path) stays; start with it again, or remove it.")
        say("Perigee serves http://127.0.0.1:\(doors.http.port), user admin, password \(password)")
    }

    /// Returns when somebody asks to stop.
    private func watch(_ stop: borrowing StopRequest, in folder: ClusterFolder) throws(DevelopmentError) {
        while !stop.isRequested {
            for program in [balancer, database].compactMap({ $0 }) where !program.isRunning {
                throw .failed(program: program.name, log: folder.log(program.name))
            }
            // A node may be killed on purpose, to see what the others do.
            for node in nodes where !node.isRunning {
                say("\(node.name) has ended; the others go on.")
            }
            nodes.removeAll { !$0.isRunning }
            stop.wait(milliseconds: 200)
        }
    }

    private func startNode(
        _ number: Int, in folder: ClusterFolder, database: String, password: String, doors: Doors,
        stop: borrowing StopRequest
    ) throws(DevelopmentError) -> BalancedNode? {
        let name = "node\(number)"
        let home = "\(folder.path)/\(name)"
        let run = home + "/run"
        NodeFile.remove(run: run)
        let properties =
            [
                "server.address=127.0.0.1", "server.port=0", "server.shutdown-delay=2", "plugin.ssh.port=0",
                "database.url=\(database)", "cluster.node.name=\(name)",
                "setup.baseUrl=http://127.0.0.1:\(doors.http.port)", "setup.displayName=Development cluster",
                "plugin.ssh.baseurl=ssh://127.0.0.1:\(doors.ssh.port)",
            ] + plan.properties
        let log = folder.log(name)
        let program = try ClusterProgram(
            name: name,
            [executable, "serve", "--home", home, "--shared-home", folder.path + "/shared"]
                + properties.flatMap { ["--property", $0] },
            // Not an argument: those are everybody's to see.
            environment: [
                "PERIGEE_SETUP_SYSADMIN_USERNAME": "admin", "PERIGEE_SETUP_SYSADMIN_PASSWORD": password,
            ], log: log)
        nodes.append(program)
        while !stop.isRequested {
            guard program.isRunning else { throw .failed(program: name, log: log) }
            if let file = NodeFile.read(run: run) {
                return BalancedNode(
                    name: name, host: "127.0.0.1", httpPort: file.httpPort, sshPort: file.sshPort)
            }
            stop.wait(milliseconds: 50)
        }
        return nil
    }

    private func startBalancer(
        _ haproxy: String, _ places: [BalancedNode], doors: Doors, in folder: ClusterFolder
    ) throws(DevelopmentError) {
        // The sockets are handed over as they are.
        let configuration = HAProxyConfiguration(nodes: places, httpBind: "fd@3", sshBind: "fd@4")
        try folder.write(configuration.text, to: "haproxy.cfg")
        say("Starting HAProxy.")
        balancer = try ClusterProgram(
            name: "haproxy", [haproxy, "-db", "-f", folder.path + "/haproxy.cfg"],
            descriptors: [doors.http.descriptor, doors.ssh.descriptor], log: folder.log("haproxy"))
    }

    /// The nodes first, which drain behind the balancer; the database last.
    private func stopAll(_ stop: borrowing StopRequest) {
        guard database != nil else { return }
        say("Stopping.")
        end(nodes, SIGTERM, stop)
        end([balancer].compactMap { $0 }, SIGTERM, stop)
        end([database].compactMap { $0 }, SIGINT, stop)
        (nodes, balancer, database) = ([], nil, nil)
    }

    /// Ends programs; those that take too long, or whose end is wanted twice, are killed.
    private func end(_ programs: [ClusterProgram], _ signal: CInt, _ stop: borrowing StopRequest) {
        for program in programs { program.signal(signal) }
        var waited = 0
        while programs.contains(where: \.isRunning), waited < Self.patience, !stop.isUrgent {
            usleep(10_000)
            waited += 10
        }
        for program in programs { program.signal(program.name == "postgres" ? SIGQUIT : SIGKILL) }
        while programs.contains(where: \.isRunning) { usleep(5_000) }
    }
}
