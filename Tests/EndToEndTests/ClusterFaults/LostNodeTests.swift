import Foundation
import NodeTestKit
import Testing

extension ClusterFaultSuite {
    /// A node that is killed, hangs, or stops.
    @Suite struct LostNodeTests {
        /// `PERIGEE_TAKEOVERS` tells how often; each says how long it took.
        @Test func `what a killed node held, ran and worked on goes on elsewhere`() async throws {
            let cluster = try await ClusterFaultSuite.healed
            let rounds = ProcessInfo.processInfo.environment["PERIGEE_TAKEOVERS"].flatMap(Int.init) ?? 1
            var times: [Int64] = []
            for _ in 0..<rounds { times.append(try await killAndTakeOver(cluster)) }
            print("after kill -9 the lock was taken over within \(Takeover(times))")
        }

        private func killAndTakeOver(_ cluster: RunningCluster) async throws -> Int64 {
            try await cluster.heal()
            let job = unique("job-")
            let buckets = (1...3).map { _ in unique("bucket-") }
            try await cluster.order(0, "run \(job)")
            let run = try await cluster.note("run", ["job": job])
            let (victim, heir) = (run.node, (run.node + 1) % 3)
            for bucket in buckets { try await cluster.order(heir, "submit \(bucket) 5") }
            var batches: [WitnessNote] = []
            for bucket in buckets { batches.append(try await cluster.note("batch", ["bucket": bucket])) }
            // One bucket per node: each has one. The others' end, so that these nodes can take the victim's.
            let orphan = try #require(batches.first { $0.node == victim })
            let bucket = try orphan.text("bucket")
            for other in buckets where other != bucket {
                try await cluster.order(heir, "go \(other)")
                _ = try await cluster.note("processed", ["bucket": other, "last": "5"])
            }
            try await cluster.order(victim, "hold l1 \(job)")
            let held = try await cluster.note("wrote", ["lock": "l1"], on: victim, after: batches)
            try await cluster.order(heir, "hold l1 \(job)")
            try await cluster.waitForWaiters(1, lock: "l1")

            let killed = RunningCluster.now
            try await cluster.nodes[victim].kill()
            let taken = try await cluster.note("locked", ["lock": "l1"], on: heir, after: [held])
            #expect(try taken.number("token") > held.number("token"))
            let again = try await waitFor("the job on another node", detail: { cluster.witnessed }) {
                cluster.notes("run", ["job": job]).first { $0.node != victim }
            }
            #expect(try again.text("reason") == "recovered")
            #expect(try again.number("token") > run.number("token"))
            #expect(again.facts["fire"] == run.facts["fire"])
            let next = try await waitFor("the bucket on another node", detail: { cluster.witnessed }) {
                cluster.notes("batch", ["bucket": bucket]).first { $0.node != victim }
            }
            #expect(next.facts["first"] == "1")
            // The heir's plugin is busy with its order.
            for word in [bucket, job] { try await cluster.order((heir + 1) % 3, "go \(word)") }
            for bucket in buckets {
                _ = try await cluster.note("processed", ["bucket": bucket, "last": "5"])
                #expect(cluster.notes("gap", ["bucket": bucket]).isEmpty)
            }
            _ = try await cluster.note("released", ["token": taken.text("token")], on: heir)
            print(
                "after kill -9: lock \(try taken.at - killed) ms, job \(try again.at - killed) ms, "
                    + "tasks \(try next.at - killed) ms")
            return try taken.at - killed
        }

        @Test func `a node that stops gives its locks away at once`() async throws {
            let cluster = try await ClusterFaultSuite.healed
            let (job, before) = (unique("stop-"), cluster.notes("locked"))
            try await cluster.order(0, "run \(job) l3")
            let run = try await cluster.note("run", ["job": job])
            let (holder, heir) = (run.node, (run.node + 1) % 3)
            let held = try await cluster.note("locked", ["lock": "l3"], on: holder, after: before)
            try await cluster.order(heir, "hold l3 \(job)")
            try await cluster.waitForWaiters(1, lock: "l3")
            let stopped = RunningCluster.now
            #expect(try await cluster.nodes[holder].stop().status == 0)
            let gone = RunningCluster.now
            let taken = try await cluster.note("locked", ["lock": "l3"], on: heir, after: [held])
            #expect(try taken.number("token") > held.number("token"))
            let told = try await cluster.note("ran", ["job": job], on: holder)
            #expect(told.facts["cancelled"] == "true")
            print(
                "a stopped node's lock was taken \(try taken.at - told.at) ms after its holder had ended, "
                    + "\(try taken.at - stopped) ms after SIGTERM; the process after \(gone - stopped) ms"
            )
            try await cluster.order((heir + 1) % 3, "go \(job)")
            _ = try await cluster.note("released", ["token": taken.text("token")], on: heir)
        }

        @Test func `a node that slept through its lease is told, and its writes are refused`() async throws {
            let cluster = try await ClusterFaultSuite.healed
            let word = unique("sleep-")
            let before = cluster.notes("wrote")
            try await cluster.order(0, "hold l2 \(word)")
            let held = try await cluster.note("wrote", ["lock": "l2"], on: 0, after: before)
            try await cluster.order(1, "hold l2 \(word)")
            try await cluster.waitForWaiters(1, lock: "l2")

            cluster.nodes[0].signal(SIGSTOP)
            let stopped = RunningCluster.now
            let taken = try await cluster.note("wrote", ["lock": "l2"], on: 1, after: before)
            #expect(try taken.number("token") > held.number("token"))
            let locked = try await cluster.note("locked", ["lock": "l2"], on: 1, after: before)
            print(
                "after SIGSTOP the lock was taken over within \(try locked.at - stopped) ms, and written "
                    + "under within \(try taken.at - stopped) ms")
            cluster.nodes[0].signal(SIGCONT)
            let token = try held.text("token")
            let lost = try await cluster.note("lost", ["token": token], on: 0)
            #expect(lost.facts["lock"] == "l2")
            let late = try await cluster.note("late", ["token": token], on: 0)
            #expect(late.facts["accepted"] == "0")
            #expect(late.facts["refused"] == "100", "\(late.facts)")
            try await cluster.order(2, "go \(word)")
            _ = try await cluster.note("released", ["token": taken.text("token")], on: 1)
            #expect(cluster.notes("refused", ["token": try taken.text("token")]).isEmpty)
        }
    }
}

/// How long something took, several times.
struct Takeover: CustomStringConvertible {
    let milliseconds: [Int64]

    init(_ milliseconds: [Int64]) { self.milliseconds = milliseconds.sorted() }

    var description: String {
        guard let least = milliseconds.first, let most = milliseconds.last else { return "no time at all" }
        return "\(milliseconds[milliseconds.count / 2]) ms (median of \(milliseconds.count), "
            + "\(least) to \(most) ms)"
    }
}
