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

    private let plan: Plan
    private let executable: String
    private let say: (String) -> Void
    /// In the order of their start.
    private var programs: [ClusterProgram] = []
    /// The system administrator's password, as the folder has it.
    private static let passwordFile = "password"

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
        defer { stopAll() }
        let postgres = try ThrowAwayPostgres(
            folder: plan.folder + "/postgres", log: try log("postgres"))
        say("Starting PostgreSQL in \(plan.folder)/postgres.")
        programs.append(try postgres.start())
        let password = try password()
        var nodes: [BalancedNode] = []
        let ports = try freePorts()
        for number in 1...plan.nodeCount where !stop.isRequested {
            say("Starting node \(number) of \(plan.nodeCount).")
            nodes.append(
                try startNode(number, database: postgres.url, password: password, ports: ports, stop: stop))
        }
        guard !stop.isRequested else { return }
        try startBalancer(nodes, ports: ports)
        say("Perigee serves at http://127.0.0.1:\(ports.http), user admin, password \(password).")
        for node in nodes {
            say(
                "  \(node.name): http://\(node.host):\(node.httpPort), "
                    + "log \(plan.folder)/log/\(node.name).log"
            )
        }
        say("Ctrl-C stops all. The folder \(plan.folder) stays; start with it again, or remove it.")
        while !stop.isRequested {
            if let ended = programs.first(where: { !$0.isRunning }) {
                // A node may be killed on purpose, to see what the others do.
                guard ended.name.hasPrefix("node") else {
                    throw .failed(program: ended.name, log: "\(plan.folder)/log/\(ended.name).log")
                }
                say("\(ended.name) has ended; the others go on.")
                programs.removeAll { $0.name == ended.name }
            }
            stop.wait(milliseconds: 200)
        }
    }

    private func startNode(
        _ number: Int, database: String, password: String, ports: (http: Int, ssh: Int),
        stop: borrowing StopRequest
    ) throws(DevelopmentError) -> BalancedNode {
        let name = "node\(number)"
        let home = "\(plan.folder)/\(name)"
        let run = home + "/run"
        NodeFile.remove(run: run)
        let properties =
            [
                "server.address=127.0.0.1", "server.port=0", "plugin.ssh.port=0", "database.url=\(database)",
                "setup.baseUrl=http://127.0.0.1:\(ports.http)", "setup.displayName=Development cluster",
                "setup.sysadmin.username=admin", "setup.sysadmin.password=\(password)",
                "plugin.ssh.baseurl=ssh://127.0.0.1:\(ports.ssh)",
            ] + plan.properties
        let log = try log(name)
        let program = try ClusterProgram(
            name: name,
            [executable, "serve", "--home", home, "--shared-home", plan.folder + "/shared"]
                + properties.flatMap { ["--property", $0] }, log: log)
        programs.append(program)
        while !stop.isRequested {
            guard program.isRunning else { throw .failed(program: name, log: log) }
            if let file = NodeFile.read(run: run) {
                return BalancedNode(
                    name: name, host: "127.0.0.1", httpPort: file.httpPort, sshPort: nil)
            }
            stop.wait(milliseconds: 50)
        }
        return BalancedNode(name: name, host: "127.0.0.1", httpPort: 0, sshPort: nil)
    }

    private func startBalancer(
        _ nodes: [BalancedNode], ports: (http: Int, ssh: Int)
    ) throws(DevelopmentError) {
        let places: [String] = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy"]
        guard let haproxy = places.first(where: { access($0, X_OK) == 0 }) else {
            throw .missing(program: "HAProxy", package: "haproxy")
        }
        let configuration = HAProxyConfiguration(
            nodes: nodes, httpBind: "127.0.0.1:\(ports.http)", sshBind: "127.0.0.1:\(ports.ssh)")
        let path = plan.folder + "/haproxy.cfg"
        try write(configuration.text, to: path)
        say("Starting HAProxy.")
        programs.append(
            try ClusterProgram(name: "haproxy", [haproxy, "-db", "-f", path], log: try log("haproxy")))
    }

    /// Doors first: the balancer, then the nodes, which drain, then the database.
    private func stopAll() {
        guard !programs.isEmpty else { return }
        say("Stopping.")
        let database = programs.filter { $0.name == "postgres" }
        let others = programs.filter { $0.name != "postgres" }
        for program in others { program.signal(SIGTERM) }
        for program in others { program.wait() }
        for program in database { program.signal(SIGINT) }
        for program in database { program.wait() }
        programs = []
    }

    /// The port of each door; the system chooses where the plan has 0.
    private func freePorts() throws(DevelopmentError) -> (http: Int, ssh: Int) {
        (
            http: plan.httpPort == 0 ? try FreePort.find() : plan.httpPort,
            ssh: plan.sshPort == 0 ? try FreePort.find() : plan.sshPort
        )
    }

    private func password() throws(DevelopmentError) -> String {
        let path = "\(plan.folder)/\(Self.passwordFile)"
        if let known = SystemFile.text(of: path) { return String(known.prefix { !$0.isNewline }) }
        let made = SystemFile.randomHexadecimal(bytes: 8)
        try write(made + "\n", to: path)
        return made
    }

    private func log(_ name: String) throws(DevelopmentError) -> String {
        for folder in [plan.folder, plan.folder + "/log"] {
            guard mkdir(folder, 0o755) == 0 || errno == EEXIST else {
                throw .file(path: folder, reason: String(cString: strerror(errno)))
            }
        }
        return "\(plan.folder)/log/\(name).log"
    }

    private func write(_ text: String, to path: String) throws(DevelopmentError) {
        do {
            try SystemFile.replace(path, with: Array(text.utf8), mode: 0o600)
        } catch {
            throw .file(path: path, reason: "\(error)")
        }
    }
}
