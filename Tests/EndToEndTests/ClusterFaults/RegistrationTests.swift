import Foundation
import NodeTestKit
import Testing

extension ClusterFaultSuite {
    /// What all nodes do at the same time.
    @Suite struct RegistrationTests {
        @Test func `two hundred times all nodes register one job at once, and each runs once`() async throws {
            let cluster = try await ClusterFaultSuite.healed
            let rounds = 200
            try await cluster.order(0, "rounds 1 \(rounds)")
            for node in 0..<3 { _ = try await cluster.note("registered", ["last": "\(rounds)"], on: node) }
            #expect(cluster.notes("unregistered").isEmpty)
            try await waitUntil("a run of each job", detail: { cluster.witnessed }) {
                try await Set(cluster.kept("round/").keys.map { Self.job($0) }).count == rounds
            }
            // A second run would begin as soon as the first: nothing of all 200 is due any more.
            try await waitUntil("no job that is due") {
                let due = try await cluster.server.psql(
                    "SELECT count(*) FROM job WHERE name LIKE 'round-%' "
                        + "AND due <= extract(epoch FROM now()) * 1000")
                return due == "0"
            }
            let begun = try await cluster.server.psql(
                "SELECT count(*) FROM job_run WHERE name LIKE 'round-%'")
            #expect(begun == "\(rounds)")
            let runs = try await cluster.kept("round/")
            #expect(runs.count == rounds, "\(runs.count) runs of \(rounds) jobs")
            print("\(rounds) jobs, each registered by 3 nodes at once: \(runs.count) runs")
        }

        private static func job(_ key: String) -> String {
            key.split(separator: "/").dropLast().joined(separator: "/")
        }
    }
}
