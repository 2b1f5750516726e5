import ClusterServices
import Foundation
import NodeTestKit
import Portable
import SharedDatabase

/// How long one task takes on an idle node, and what that is made of; all taken in turns.
struct Latency {
    /// From the call of `submit` to the start of the processor.
    let start: Times
    /// A query that reads no table, through the node's connections.
    let journey: Times
    /// A block that is written to a file beside the database's, and reaches the disk.
    let sync: Times
    /// A transaction that changes one row, and reaches the disk.
    let commit: Times

    struct Times: CustomStringConvertible {
        /// Milliseconds, in order.
        private let sorted: [Double]

        init(_ times: [Duration]) { sorted = times.map { $0 / .milliseconds(1) }.sorted() }

        var median: Double { sorted.isEmpty ? .infinity : sorted[sorted.count / 2] }

        var description: String {
            guard !sorted.isEmpty else { return "never" }
            return "p50 \(ClusterExecutor.text(median)), p99 "
                + ClusterExecutor.text(sorted[sorted.count * 99 / 100])
        }
    }

    private struct Failure: Error {}

    static func measure(_ server: ThrowawayPostgres, count: Int) async throws -> Latency {
        let node = try await BenchmarkNode.cluster(1, server)[0]
        let (starts, started) = AsyncStream.makeStream(of: ContinuousClock.Instant.self)
        let executor = try await node.executors.define(
            namespace: "benchmark", name: "work", settings: ExecutorSettings()
        ) { _ in
            started.yield(.now)
            return nil
        }
        let descriptor = open("\(server.folder)/sync", O_RDWR | O_CREAT, 0o600)
        defer { close(descriptor) }
        let block = [UInt8](repeating: 1, count: 8_192)
        var iterator = starts.makeAsyncIterator()
        var times: (starts: [Duration], journeys: [Duration], syncs: [Duration], commits: [Duration])
        times = ([], [], [], [])
        for number in 0..<count {
            let begin = ContinuousClock.now
            try await executor.submit(bucket: "bucket \(number)", .integer(Int64(number)))
            guard let start = await iterator.next() else { break }
            times.starts.append(begin.duration(to: start))
            // The end of the task is written down meanwhile.
            try await Task.sleep(for: .milliseconds(4))
            times.journeys.append(
                try await time { _ = try await node.database.read { try $0.firstRow("SELECT 1 AS n") } })
            times.commits.append(
                try await time {
                    try await node.database.write { transaction in
                        _ = try transaction.execute("UPDATE executor SET name = name")
                    }
                })
            times.syncs.append(
                try await time {
                    guard pwrite(descriptor, block, block.count, 0) == block.count, fdatasync(descriptor) == 0
                    else { throw Failure() }
                })
        }
        await node.stop()
        return Latency(
            start: Times(times.starts), journey: Times(times.journeys), sync: Times(times.syncs),
            commit: Times(times.commits))
    }

    private static func time(_ body: () async throws -> Void) async throws -> Duration {
        let start = ContinuousClock.now
        try await body()
        return start.duration(to: .now)
    }
}
