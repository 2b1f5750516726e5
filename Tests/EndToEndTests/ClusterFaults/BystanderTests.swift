import Foundation
import NodeTestKit
import Portable
import Testing

extension ClusterFaultSuite {
    /// Somebody else at the database who began something and does not end it.
    @Suite struct BystanderTests {
        /// `PERIGEE_BYSTANDER_SECONDS` tells for how long; without, for three rounds.
        @Test func `locks, tasks and messages go on beside a transaction that nobody ends`() async throws {
            let cluster = try await ClusterFaultSuite.healed
            let seconds =
                ProcessInfo.processInfo.environment["PERIGEE_BYSTANDER_SECONDS"].flatMap { Int($0) } ?? 0
            let bystander = try await cluster.server.leaveTransactionOpen(seconds: 3_600)
            defer { bystander.killGroup() }
            try await waitUntil("an open transaction") { try await cluster.idlers == 1 }
            let begun = ContinuousClock.now
            var (rounds, last, longest) = (0, [WitnessNote](), Duration.zero)
            while rounds < 3 || begun.duration(to: .now) < .seconds(seconds) {
                let start = ContinuousClock.now
                let (node, word, bucket) = (rounds % 3, unique("by-"), unique("by-"))
                try await cluster.order(node, "hold l1 \(word)")
                let held = try await cluster.note("wrote", ["lock": "l1"], on: node, after: last)
                try await cluster.order((node + 1) % 3, "go \(word)")
                let released = try await cluster.note("released", ["token": held.text("token")], on: node)
                if let before = last.first { #expect(try held.number("token") > before.number("token")) }
                last = [released]
                try await cluster.order(node, "submit \(bucket) 5")
                let batch = try await cluster.note("batch", ["bucket": bucket])
                try await cluster.order((batch.node + 1) % 3, "go \(bucket)")
                _ = try await cluster.note("processed", ["bucket": bucket, "last": "5"])
                // A message to all nodes, each of which registers a job then.
                let number = 9_000 + rounds
                try await cluster.order(node, "rounds \(number) \(number)")
                for other in 0..<3 {
                    _ = try await cluster.note("registered", ["last": "\(number)"], on: other)
                }
                rounds += 1
                longest = max(longest, start.duration(to: .now))
            }
            #expect(try await cluster.idlers == 1)
            let queue = try await cluster.server.psql("SELECT pg_notification_queue_usage() < 0.01")
            #expect(queue == "t")
            print(
                "beside a transaction that was open for \(begun.duration(to: .now)): \(rounds) rounds, the "
                    + "longest \(longest)")
        }
    }
}

extension RunningCluster {
    /// How many others are in a transaction and do nothing.
    fileprivate var idlers: Int {
        get async throws {
            let count = try await server.psql(
                """
                SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'
                AND application_name = 'psql'
                """)
            return Int(count) ?? 0
        }
    }
}
