import ClusterServices
import Foundation
import Logging
import NodeTestKit
import Portable
import SharedDatabase
import Synchronization

/// Tasks through a bucketed executor on a PostgreSQL server of its own whose commits reach the disk: how many
/// a second from submission to written completion, in order per bucket, on one node and on three, and how
/// long one task takes from `submit` to its processor.
@main struct ClusterExecutor {
    /// What one run does.
    struct Load {
        let nodes: Int
        let batch: Int
        /// Tasks of one call of `submit`.
        let together: Int
        let tasks: Int
    }

    static let buckets = 200
    static let submittersPerNode = 32

    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        let tasks = arguments.first.flatMap { Int($0) } ?? 60_000
        var options = ThrowawayPostgres.Options()
        options.isDurable = true
        let server = try await ThrowawayPostgres.start(options)
        print("nodes  batch  submitted together  tasks   tasks/s   out of order")
        var best: [Int: Double] = [:]
        var isOrdered = true
        for load in [
            Load(nodes: 1, batch: 1, together: 1, tasks: tasks / 2),
            Load(nodes: 1, batch: 1, together: 20, tasks: tasks),
            Load(nodes: 1, batch: 100, together: 20, tasks: tasks),
            Load(nodes: 3, batch: 1, together: 1, tasks: tasks / 2),
            Load(nodes: 3, batch: 1, together: 20, tasks: tasks),
            Load(nodes: 3, batch: 100, together: 20, tasks: tasks),
        ] {
            let (rate, misplaced) = try await throughput(load, server)
            print(
                cell(load.nodes, 5), cell(load.batch, 6), cell(load.together, 19), cell(load.tasks, 7),
                cell(Int(rate), 9), cell(misplaced, 14))
            best[load.nodes] = max(best[load.nodes] ?? 0, rate)
            isOrdered = isOrdered && misplaced == 0
        }
        let latencies = try await latency(server, count: 1000).sorted()
        let median = latencies[latencies.count / 2]
        let slow = latencies[latencies.count * 99 / 100]
        print(
            "submit to start on an idle node: p50 \(text(median)) ms, p99 \(text(slow)) ms"
        )
        try await server.stop()
        let isGood = isOrdered && (best[1] ?? 0) >= 10_000 && median <= 5
        exit(isGood ? 0 : 1)
    }

    /// One run on a fresh database.
    static func throughput(
        _ load: Load, _ server: ThrowawayPostgres
    ) async throws -> (rate: Double, misplaced: Int) {
        let nodes = try await BenchmarkNode.cluster(load.nodes, server)
        let seen = Mutex<(last: [String: [Int64: Int64]], misplaced: Int, count: Int)>(([:], 0, 0))
        let settings = ExecutorSettings(
            batch: load.batch, concurrency: .perNode(64), tasksMax: 10_000_000)
        var executors: [BucketedExecutor] = []
        for node in nodes {
            executors.append(
                try await node.executors.define(namespace: "benchmark", name: "work", settings: settings) {
                    batch in
                    seen.withLock { seen in
                        for task in batch.tasks {
                            let value = task.payload.integerValue ?? 0
                            let (submitter, number) = value.quotientAndRemainder(dividingBy: 1_000_000)
                            // A submitter's own tasks of a bucket come in its order.
                            if let last = seen.last[batch.bucket]?[submitter], last >= number {
                                seen.misplaced += 1
                            }
                            seen.last[batch.bucket, default: [:]][submitter] = number
                            seen.count += 1
                        }
                    }
                    return nil
                })
        }
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            let submitters = submittersPerNode * load.nodes
            for submitter in 0..<submitters {
                let executor = executors[submitter % load.nodes]
                group.addTask {
                    var number = 0
                    for _ in 0..<(load.tasks / submitters / load.together) {
                        let tasks = (0..<load.together).map { index in
                            NewTask(
                                bucket: "bucket \((submitter * 7 + number + index) % buckets)",
                                payload: .integer(Int64(submitter * 1_000_000 + number + index)))
                        }
                        try await executor.submit(tasks)
                        number += load.together
                    }
                }
            }
            try await group.waitForAll()
        }
        while try await nodes[0].executors.fetchOverviews().contains(where: { $0.waiting > 0 }) {
            try await Task.sleep(for: .milliseconds(20))
        }
        let seconds = start.duration(to: .now) / .seconds(1)
        let (misplaced, count) = seen.withLock { ($0.misplaced, $0.count) }
        for node in nodes { await node.stop() }
        return (Double(count) / seconds, misplaced)
    }

    /// One task at a time: from the call of `submit` to the start of its processor, in milliseconds.
    static func latency(_ server: ThrowawayPostgres, count: Int) async throws -> [Double] {
        let nodes = try await BenchmarkNode.cluster(1, server)
        let (starts, started) = AsyncStream.makeStream(of: ContinuousClock.Instant.self)
        let executor = try await nodes[0].executors.define(
            namespace: "benchmark", name: "work", settings: ExecutorSettings()
        ) { _ in
            started.yield(.now)
            return nil
        }
        var iterator = starts.makeAsyncIterator()
        var latencies: [Double] = []
        for number in 0..<count {
            let begin = ContinuousClock.now
            try await executor.submit(bucket: "bucket \(number)", .integer(Int64(number)))
            guard let start = await iterator.next() else { break }
            latencies.append(begin.duration(to: start) / .milliseconds(1))
            try await Task.sleep(for: .milliseconds(2))
        }
        for node in nodes { await node.stop() }
        return latencies
    }

    private static func cell(_ number: Int, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - "\(number)".count)) + "\(number)"
    }

    private static func text(_ number: Double) -> String { String(format: "%.2f", number) }
}

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
