import ClusterServices
import Foundation
import NodeTestKit
import Portable
import Synchronization

/// Tasks of a number of callers, on a fresh database.
struct Load {
    let nodes: Int
    /// How many tasks of a bucket a processor gets at once at most.
    let batch: Int
    /// Tasks of one call of `submit`.
    let together: Int
    let tasks: Int
    /// How long a processor waits.
    var pause: Duration?
    /// How many processors a node runs at a time.
    var concurrency = 64
    /// Whether each node submits to buckets of its own, as nodes do whose clients push to other repositories.
    var isApart = false

    static let buckets = 200
    static let callersPerNode = 32

    struct Result {
        /// Tasks a second, from the first submission to the last written completion.
        let rate: Double
        /// Tasks that came before an earlier one of the same caller and bucket.
        let misplaced: Int
        /// Processor time, in microseconds per task.
        let nodesCPU: Double
        let serverCPU: Double
        /// How many processors were busy with this.
        let processors: Double
    }

    private struct Seen {
        var last: [String: [Int64: Int64]] = [:]
        var misplaced = 0
        var count = 0

        mutating func take(_ batch: TaskBatch) {
            for task in batch.tasks {
                let value = task.payload.integerValue ?? 0
                let (caller, number) = value.quotientAndRemainder(dividingBy: 1_000_000)
                if let last = last[batch.bucket]?[caller], last >= number { misplaced += 1 }
                last[batch.bucket, default: [:]][caller] = number
                count += 1
            }
        }
    }

    func run(_ server: ThrowawayPostgres) async throws -> Result {
        let nodes = try await BenchmarkNode.cluster(nodes, server)
        let seen = Mutex(Seen())
        let settings = ExecutorSettings(
            batch: batch, concurrency: .perNode(concurrency), tasksMax: 10_000_000)
        var executors: [BucketedExecutor] = []
        for node in nodes {
            executors.append(
                try await node.executors.define(namespace: "benchmark", name: "work", settings: settings) {
                    [pause] batch in
                    if let pause { try await Task.sleep(for: pause) }
                    seen.withLock { $0.take(batch) }
                    return nil
                })
        }
        let (own, others) = (ProcessorTime.own, try ProcessorTime.of(server.processes()))
        let start = ContinuousClock.now
        try await submit(to: executors)
        while try await nodes[0].executors.fetchOverviews().contains(where: { $0.waiting > 0 }) {
            try await Task.sleep(for: .milliseconds(20))
        }
        let seconds = start.duration(to: .now) / .seconds(1)
        let cpu = (nodes: ProcessorTime.own - own, server: try ProcessorTime.of(server.processes()) - others)
        let (misplaced, count) = seen.withLock { ($0.misplaced, Double($0.count)) }
        for node in nodes { await node.stop() }
        return Result(
            rate: count / seconds, misplaced: misplaced, nodesCPU: cpu.nodes / count * 1e6,
            serverCPU: cpu.server / count * 1e6, processors: (cpu.nodes + cpu.server) / seconds)
    }

    private func submit(to executors: [BucketedExecutor]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let callers = Self.callersPerNode * nodes
            for caller in 0..<callers {
                let executor = executors[caller % nodes]
                let place = isApart ? "\(caller % nodes) " : ""
                group.addTask { [together, tasks] in
                    var number = 0
                    for _ in 0..<(tasks / callers / together) {
                        let tasks = (0..<together).map { index in
                            NewTask(
                                bucket: "bucket \(place)\((caller * 7 + number + index) % Self.buckets)",
                                payload: .integer(Int64(caller * 1_000_000 + number + index)))
                        }
                        try await executor.submit(tasks)
                        number += together
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}

/// Seconds of processor time.
enum ProcessorTime {
    /// This process, with all nodes in it.
    static var own: Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    /// Other processes, and those that they have waited for.
    static func of(_ processes: [pid_t]) -> Double {
        let ticks = processes.reduce(0) { sum, process in
            let stat = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
            guard let end = stat.lastIndex(of: ")") else { return sum }
            let fields = stat[end...].split(separator: " ").dropFirst(12).prefix(4)
            return sum + fields.reduce(0) { $0 + (Int($1) ?? 0) }
        }
        return Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func seconds(_ time: timeval) -> Double {
        Double(time.tv_sec) + Double(time.tv_usec) / 1e6
    }
}
