import Foundation
import Portable
import Synchronization

/// One to five real nodes on one throw-away PostgreSQL and one shared home. Each has a proxy of its own
/// before the database, so that it can be cut off alone.
package final class RunningCluster: Sendable {
    /// What a cluster is made of.
    package struct Options: Sendable {
        /// How many nodes, 1 to 5.
        package var nodes = 3
        /// `cluster.lease` of all of them, in seconds.
        package var lease = 2
        /// Further properties of all of them.
        package var properties: [String: String] = [:]
        /// Variables of single nodes, by their numbers from 0 on.
        package var environments: [Int: [String: String]] = [:]
        /// How the database is made.
        package var server = ThrowawayPostgres.Options()

        package init() {}
    }

    /// The database that the nodes use, or used before a failover.
    package let server: ThrowawayPostgres
    /// The nodes, named `node1`, `node2`...
    package let nodes: [RunningNode]
    /// Each node's way to the database.
    package let proxies: [TCPProxy]
    /// How long their leases are.
    package let lease: Duration
    private let directory: TemporaryDirectory

    /// The folder that all nodes share.
    package var sharedHome: String { directory.path("shared") }

    /// Makes a cluster and starts its database, but none of its nodes.
    package static func prepare(_ options: Options = Options()) async throws -> RunningCluster {
        let server = try await ThrowawayPostgres.start(options.server)
        return try RunningCluster(options, server)
    }

    private init(_ options: Options, _ server: ThrowawayPostgres) throws {
        self.server = server
        let directory = try TemporaryDirectory("cluster")
        self.directory = directory
        lease = .seconds(options.lease)
        let properties = [
            "cluster.lease": "\(options.lease)", "server.database-check-interval": "1",
        ].merging(options.properties) { $1 }
        let proxies = try (0..<options.nodes).map { _ in try TCPProxy(to: server.port) }
        self.proxies = proxies
        nodes = try (0..<options.nodes).map { number in
            let url = server.tcpURL(port: proxies[number].port)
            return try RunningNode.prepare(
                properties: properties,
                arguments: [
                    "--property", "database.url=\(url)", "--property", "cluster.node.name=node\(number + 1)",
                ],
                environment: options.environments[number] ?? [:], sharedHome: directory.path("shared"))
        }
    }

    /// Starts all nodes and waits until each sees the others.
    package func start() async throws {
        for node in nodes { try await node.start() }
        try await waitForAll()
    }

    /// Puts a plugin into the shared home, before the start.
    /// - Parameter folder: The plugin, as in the source tree.
    package func install(_ folder: String) throws {
        let name = URL(fileURLWithPath: folder).lastPathComponent
        let plugins = try directory.folder("shared/plugins/installed-plugins")
        try FileManager.default.copyItem(atPath: folder, toPath: "\(plugins)/\(name)")
    }

    /// Undoes all that was done to the nodes, their proxies and the database, and waits until all is well.
    package func heal() async throws {
        if !server.isRunning { try await server.start() }
        try server.thaw()
        for proxy in proxies { proxy.behave(.forward) }
        for node in nodes { node.signal(SIGCONT) }
        for node in nodes where !node.isRunning { try await node.start() }
        try await waitForAll()
    }

    /// Waits until every node serves and sees all others.
    package func waitForAll() async throws {
        let names = (1...nodes.count).map { "node\($0)" }
        for node in nodes {
            try await waitUntil("a node that sees all others", detail: { String(node.log.suffix(4_000)) }) {
                guard try await node.anonymous.get("/status").status == 200 else { return false }
                return try await node.members == names
            }
        }
    }

    /// Stops all nodes that run.
    package func stop() async throws {
        for node in nodes where node.isRunning { node.signal(SIGTERM) }
        for node in nodes where node.isRunning { _ = try await node.waitForExit() }
    }
}

extension RunningNode {
    /// The names of the nodes of its cluster, as it sees them, in order; empty when it does not say.
    package var members: [String] {
        get async throws {
            let answer = try await http.get("/rest/api/latest/admin/cluster")
            guard answer.status == 200 else { return [] }
            let nodes = try answer.json()["nodes"]?.listValue ?? []
            return nodes.compactMap { $0["name"]?.stringValue }.sorted()
        }
    }
}
