import Foundation

/// Several real nodes on one shared home and one PostgreSQL database.
package struct SharedNodes: Sendable {
    /// In the order of their start.
    package let nodes: [RunningNode]
    /// What they share; `shared` in it is the shared home.
    package let directory: TemporaryDirectory

    /// Starts nodes, one after another.
    /// - Parameters:
    ///   - count: How many.
    ///   - database: Where the database is; a new one on the tests' common server when `nil`.
    ///   - properties: Over those of every test node.
    ///   - prepare: Called with the shared home's path before the first start, to install plugins.
    package static func start(
        _ count: Int, database: String? = nil, properties: [String: String] = [:],
        prepare: (_ shared: String) throws -> Void = { _ in }
    ) async throws -> SharedNodes {
        let directory = try TemporaryDirectory("nodes")
        let shared = try directory.folder("shared")
        try prepare(shared)
        let url: String
        if let database {
            url = database
        } else {
            let server = try await ThrowawayPostgres.shared()
            let name = "nodes_" + UUID().uuidString.lowercased().replacing("-", with: "")
            try await server.makeDatabase(name)
            url = server.url(name)
        }
        let all = ["database.url": url, "database.pool.max-size": "4"].merging(properties) { $1 }
        var nodes: [RunningNode] = []
        for number in 1...max(1, count) {
            let own = try TemporaryDirectory("node\(number)")
            try FileManager.default.createSymbolicLink(
                atPath: try own.folder("home") + "/shared", withDestinationPath: shared)
            nodes.append(
                try await RunningNode.start(
                    properties: all, arguments: ["--property", "cluster.node.name=node\(number)"],
                    directory: own))
        }
        return SharedNodes(nodes: nodes, directory: directory)
    }

    /// One of the nodes.
    package subscript(index: Int) -> RunningNode { nodes[index % nodes.count] }

    /// Stops all of them at once.
    package func stop() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for node in nodes { group.addTask { try await node.stop() } }
            try await group.waitForAll()
        }
    }
}
