import Foundation
import NodeTestKit

/// Tasks through a bucketed executor on a PostgreSQL server of its own whose commits reach the disk: how many
/// a second from submission to written completion, in order per bucket, on one to three nodes and beside other
/// queues, and how long one task takes from `submit` to its processor.
@main struct ClusterExecutor {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        let tasks = arguments.first.flatMap { Int($0) } ?? 60_000
        var options = ThrowawayPostgres.Options()
        options.isDurable = true
        let server = try await ThrowawayPostgres.start(options)
        var isGood = try await showThroughput(tasks, server)
        isGood = try await showWaitingTasks(server) && isGood
        isGood = try await showLatency(server) && isGood
        if let python = arguments.dropFirst().first {
            isGood = try await showPeers(tasks, server, python: python) && isGood
        } else {
            print("no peers: the program's second argument names the Python that has them")
        }
        try await server.stop()
        exit(isGood ? 0 : 1)
    }

    /// Tasks that do nothing, on as many nodes as there are; from all nodes into the same buckets, and into
    /// buckets of their own.
    private static func showThroughput(_ tasks: Int, _ server: ThrowawayPostgres) async throws -> Bool {
        print("                                        out of   CPU, us/task          processors")
        print("nodes  buckets  batch  together  tasks/s  order  nodes  PostgreSQL        busy")
        var best: [Int: Double] = [:]
        var isGood = true
        for (batch, together, isApart) in [
            (1, 1, false), (1, 20, false), (100, 20, false), (1, 20, true), (100, 20, true),
        ] {
            for nodes in 1...3 where nodes > 1 || !isApart {
                var load = Load(nodes: nodes, batch: batch, together: together, tasks: tasks)
                load.isApart = isApart
                let result = try await load.run(server)
                print(
                    cell(nodes, 5), cell(isApart ? "apart" : "same", 8), cell(batch, 6), cell(together, 9),
                    cell(Int(result.rate), 8), cell(result.misplaced, 6), cell(Int(result.nodesCPU), 6),
                    cell(Int(result.serverCPU), 11), cell(text(result.processors), 11))
                best[nodes] = max(best[nodes] ?? 0, result.rate)
                isGood = isGood && result.misplaced == 0
            }
        }
        return isGood && (best[1] ?? 0) >= 10_000
    }

    /// Tasks that wait, as those do that ask another server: what is measured is how much a node takes on.
    private static func showWaitingTasks(_ server: ThrowawayPostgres) async throws -> Bool {
        var rates: [Double] = []
        for nodes in 1...3 {
            var load = Load(nodes: nodes, batch: 1, together: 20, tasks: nodes * 1_920)
            (load.pause, load.concurrency) = (.milliseconds(20), 8)
            rates.append(try await load.run(server).rate)
        }
        let figures = rates.map { "\(Int($0))" }.joined(separator: ", ")
        print("tasks that wait 20 ms, 8 at a time per node, on 1, 2 and 3 nodes: \(figures) tasks/s")
        return rates[1] > rates[0] && rates[2] > rates[1]
    }

    private static func showLatency(_ server: ThrowawayPostgres) async throws -> Bool {
        let latency = try await Latency.measure(server, count: 1000)
        let bound = 3 * latency.journey.median + latency.sync.median
        print(
            """
            submit to start on an idle node: \(latency.start) ms
            a round trip: \(latency.journey) ms; fsync: \(latency.sync) ms; a commit of one row: \
            \(latency.commit) ms
            3 round trips + 1 fsync, medians: \(text(bound)) ms; submit to start takes \
            \(text(latency.start.median / bound)) times that
            """)
        return latency.start.median <= bound
    }

    /// Other queues, each between two runs of ours with as many tasks in a call.
    private static func showPeers(
        _ tasks: Int, _ server: ThrowawayPostgres, python: String
    ) async throws -> Bool {
        print("peer, 20 tasks in a call          tasks  tasks/s  ours, tasks/s  ratio  out of order")
        var isGood = true
        for peer in Peer.allCases {
            let load = Load(nodes: 1, batch: 1, together: 20, tasks: tasks)
            let before = try await load.run(server).rate
            let (rate, misplaced) = try await peer.run(server, python: python)
            let ours = (before + (try await load.run(server).rate)) / 2
            let name = peer.title.padding(toLength: 32, withPad: " ", startingAt: 0)
            print(
                name, cell(peer.tasks, 6), cell(Int(rate), 8), cell(Int(ours), 14),
                cell(text(ours / rate), 6),
                cell(misplaced, 13))
            isGood = isGood && ours >= rate
        }
        return isGood
    }

    static func cell(_ value: some CustomStringConvertible, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - "\(value)".count)) + "\(value)"
    }

    static func text(_ number: Double) -> String { String(format: "%.2f", number) }
}
