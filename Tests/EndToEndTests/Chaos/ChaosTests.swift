import Foundation
import NodeTestKit
import Portable
import Testing

/// Three nodes under faults that are drawn from a seed, and a history that is checked afterwards.
///
/// `PERIGEE_CHAOS_SECONDS` says for how long (30), `PERIGEE_CHAOS_SEED` repeats a run's faults;
/// `make chaos SECONDS=600`.
@Suite struct ChaosTests {
    @Test func `locks, jobs, tasks and caches keep their promises whatever happens`() async throws {
        let seconds = Self.parameter("SECONDS").flatMap { Int($0) } ?? 30
        let seed = Self.parameter("SEED").flatMap { UInt64($0) } ?? UInt64.random(in: 1...999_999_999)
        print("chaos: seed \(seed), \(seconds) s")
        var options = RunningCluster.Options()
        options.properties = ["logging.file.max-size": "1G"]
        let cluster = try await RunningCluster.prepare(options)
        try cluster.install(Fixture.folder("com.example.chaos"))
        try await cluster.start()
        let plan = ChaosPlan(
            seed: seed, seconds: seconds, nodes: cluster.nodes.count, lease: cluster.lease)
        let run = ChaosRun(plan, cluster, seconds: seconds)
        try await run.run()
        let delivered = try await run.settle()
        var history = ChaosHistory()
        for (number, node) in cluster.nodes.enumerated() { history.read(node.log, node: number) }
        let violations = history.violations(delivered: delivered)
        print(
            "chaos: seed \(seed), \(seconds) s, \(run.faults.count) faults, \(history.summary): "
                + "\(violations.count) violations")
        if !violations.isEmpty {
            print((run.faults + violations.prefix(100)).joined(separator: "\n"))
            try Self.keep(cluster, seed: seed)
        }
        #expect(violations.isEmpty)
        #expect(!history.isIncomplete, "lines of the history were left out")
        #expect(!history.grants.isEmpty && !history.runs.isEmpty && history.sentCount > 0)
        #expect(Set(history.reads.keys.map(\.cache)) == ["copies", "loaded"])
        try await cluster.stop()
    }

    /// Copies the logs to where `PERIGEE_CHAOS_LOGS` says.
    private static func keep(_ cluster: RunningCluster, seed: UInt64) throws {
        guard let folder = parameter("LOGS") else { return }
        for (number, node) in cluster.nodes.enumerated() {
            try Data(node.log.utf8).write(
                to: URL(fileURLWithPath: "\(folder)/chaos-\(seed)-node\(number + 1).log"))
        }
    }

    private static func parameter(_ name: String) -> String? {
        let text = ProcessInfo.processInfo.environment["PERIGEE_CHAOS_\(name)"]
        return text?.isEmpty == false ? text : nil
    }
}
