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
            // A node that the machine starves for longer than its lease loses what it was running: noted as
            // lost, and not begun again, as the jobs do not ask for it.
            @Sendable func count(_ condition: String) async throws -> Int {
                Int(
                    try await cluster.server.psql(
                        "SELECT count(*) FROM job_run WHERE \(Self.own) AND \(condition)")) ?? -1
            }
            try await waitUntil("an end of a run of each job", detail: { cluster.witnessed }) {
                try await count("ended_at IS NOT NULL") >= rounds
            }
            // A second run would begin as soon as the first: nothing of all 200 is due any more.
            try await waitUntil("no job that is due") {
                let due = try await cluster.server.psql(
                    "SELECT count(*) FROM job WHERE \(Self.own) "
                        + "AND due <= extract(epoch FROM now()) * 1000")
                return due == "0"
            }
            #expect(try await count("true") == rounds)
            let lost = try await count("outcome = 'lost'")
            let runs = try await cluster.kept("round/").filter {
                Self.job($0.key).count <= "round/round-200".count
            }
            #expect(Set(runs.keys.map { Self.job($0) }).count == runs.count)
            #expect(
                (rounds - lost...rounds).contains(runs.count), "\(runs.count) runs, \(lost) of them lost")
            print("\(rounds) jobs, each registered by 3 nodes at once: \(runs.count) runs, \(lost) lost")
        }

        /// Other suites of the cluster have rounds of their own, from 9000 on.
        private static let own = "name ~ '^round-[0-9]{1,3}$'"

        private static func job(_ key: String) -> String {
            key.split(separator: "/").dropLast().joined(separator: "/")
        }
    }
}
