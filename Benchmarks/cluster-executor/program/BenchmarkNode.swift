import ClusterServices
import Logging
import NodeTestKit
import SharedDatabase
import Synchronization

/// One node of the cluster, in this process, with its own connections.
final class BenchmarkNode: Sendable {
    let database: SharedDatabase
    let membership: Membership
    let executors: ExecutorService

    private init(number: Int, url: String, logger: Logger) throws {
        database = try SharedDatabase.openPostgres(PostgresSettings(url: url), logger: logger)
        membership = Membership(
            database: database,
            identity: NodeDescription(nodeID: "node-\(number)", version: "1", sharedHomeID: "home"),
            logger: logger)
        executors = ExecutorService(database: database, membership: membership, logger: logger)
    }

    private static let databases = Mutex(0)

    /// Nodes on a database of their own.
    static func cluster(_ count: Int, _ server: ThrowawayPostgres) async throws -> [BenchmarkNode] {
        var logger = Logger(label: "benchmark")
        logger.logLevel = .error
        let name = databases.withLock { number in
            number += 1
            return "benchmark_\(number)"
        }
        try await server.makeDatabase(name)
        var nodes: [BenchmarkNode] = []
        for number in 0..<count {
            let node = try BenchmarkNode(number: number, url: server.url(name), logger: logger)
            if number == 0 {
                try await node.database.migrate(Membership.migrations + ExecutorService.migrations)
            }
            try await node.membership.join()
            try await node.executors.start()
            nodes.append(node)
        }
        return nodes
    }

    func stop() async {
        await executors.stop()
        await membership.leave()
        await database.close()
    }
}
