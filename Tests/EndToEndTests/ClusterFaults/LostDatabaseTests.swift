import Foundation
import NodeTestKit
import Portable
import Testing

extension ClusterFaultSuite {
    /// A database that is away, for all nodes or for one.
    @Suite struct LostDatabaseTests {
        @Test func `a node that is cut off from its database serves what it knows and changes nothing`()
            async throws
        {
            let cluster = try await ClusterFaultSuite.healed
            let (cut, other) = (cluster.nodes[0], cluster.nodes[1])
            let project = unique("P").uppercased()
            try await other.makeRepository(project, "app")
            let git = try GitClient()
            try await git.makeRepository("work")
            try await git.succeed("push", "--quiet", cut.remote(project, "app"), "main", in: "work")
            try await git.succeed("ls-remote", cut.remote(project, "app"))
            let word = unique("cut-")
            let before = cluster.notes("wrote")
            try await cluster.order(0, "hold l3 \(word)")
            let held = try await cluster.note("wrote", ["lock": "l3"], on: 0, after: before)
            try await cluster.order(1, "hold l3 \(word)")
            try await cluster.waitForWaiters(1, lock: "l3")

            cluster.proxies[0].behave(.blackHole)
            let silent = RunningCluster.now
            let taken = try await cluster.note("wrote", ["lock": "l3"], on: 1, after: before)
            print("after a black hole the lock was taken over within \(try taken.at - silent) ms")
            let lost = try await cluster.note("lost", ["token": held.text("token")], on: 0)
            #expect(try taken.number("token") > held.number("token"))
            #expect(lost.facts["lock"] == "l3")
            try await waitUntil("a node that says that its database is away") {
                try await cut.anonymous.get("/status").status == 500
            }
            #expect(try await other.anonymous.get("/status").json()["state"] == "RUNNING")
            try await git.succeed("clone", "--quiet", cut.remote(project, "app"), "clone", "--branch=main")
            let browsed = try await cut.http.get(
                "/rest/api/latest/projects/\(project)/repos/app/commits?until=main")
            #expect(browsed.status == 200, "\(browsed.text)")
            #expect(try await cut.http.get("/rest/api/latest/projects/NONE/repos/app/commits").status == 503)
            try await git.commit(in: "work", file: "a.txt", text: "more\n")
            let push = try await git.run("push", cut.remote(project, "app"), "main", in: "work")
            #expect(!push.succeeded)
            #expect(push.errors.contains("503") && push.errors.contains("database"), "\(push.errors)")
            let made = try await cut.http.post("/rest/api/latest/projects", ["key": "Q", "name": "Q"])
            #expect(made.status == 503, "\(made.text)")
            let pace = try await statusTimes(of: cut)
            print("/status of a node without its database: \(pace)")

            cluster.proxies[0].behave(.forward)
            let back = RunningCluster.now
            try await waitUntil("a push to the node that has its database again") {
                try await git.run("push", "--quiet", cut.remote(project, "app"), "main", in: "work").succeeded
            }
            print("after the end of the black hole a push was taken within \(RunningCluster.now - back) ms")
            let late = try await cluster.note("late", ["token": held.text("token")], on: 0)
            #expect(late.facts["accepted"] == "0")
            try await cluster.order(2, "go \(word)")
        }

        /// How much longer than the leases a database hangs, where a run by hand wants that.
        private static let freezeSeconds =
            ProcessInfo.processInfo.environment["PERIGEE_FREEZE_SECONDS"].flatMap { Int($0) }

        /// `PERIGEE_FREEZE_SECONDS=60` lets the database hang for so long.
        @Test(arguments: ["fast", "kill", "freeze"])
        func `all nodes heal after the database`(_ fault: String) async throws {
            let cluster = try await ClusterFaultSuite.healed
            let word = unique("away-")
            let before = cluster.notes("wrote")
            try await cluster.order(0, "hold l1 \(word)")
            let held = try await cluster.note("wrote", ["lock": "l1"], on: 0, after: before)
            try await cluster.order(1, "hold l1 \(word)")
            try await cluster.waitForWaiters(1, lock: "l1")
            let processes = cluster.nodes.map(\.processID)

            switch fault {
            case "fast": try await cluster.server.stop()
            case "kill": try await cluster.server.kill()
            default:
                try cluster.server.freeze()
                // Longer than all leases: the holder is told by its own clock.
                _ = try await cluster.note("lost", ["token": held.text("token")], on: 0)
                if let seconds = Self.freezeSeconds { await letTimePass(.seconds(seconds)) }
                try cluster.server.thaw()
            }
            if fault != "freeze" { try await cluster.server.start() }
            let back = RunningCluster.now
            try await cluster.waitForAll()
            print(
                "after the database was back (\(fault)), all was well within \(RunningCluster.now - back) ms")
            try await cluster.order(2, "go \(word)")
            // Whoever had it or waited for it: each had it, one after the other, with growing tokens.
            try await cluster.order(2, "hold l1 \(word)")
            let next = try await cluster.note("locked", ["lock": "l1"], on: 2, after: [held])
            #expect(try next.number("token") > held.number("token"))
            #expect(cluster.nodes.map(\.processID) == processes)
        }

        @Test func `any one connection may end, and nobody is told of an error`() async throws {
            let cluster = try await ClusterFaultSuite.healed
            let word = unique("cut-")
            let before = cluster.notes("wrote")
            try await cluster.order(0, "hold l2 \(word)")
            let held = try await cluster.note("wrote", ["lock": "l2"], on: 0, after: before)
            let list = try await cluster.server.psql(
                "SELECT pid FROM pg_stat_activity WHERE application_name <> 'psql' AND usename = 'perigee'")
            let sessions = list.split(separator: "\n")
            #expect(sessions.count > 9)
            for session in sessions {
                try await cluster.server.psql("SELECT pg_terminate_backend(\(session))")
                for node in cluster.nodes {
                    let answer = try await node.http.get("/rest/api/latest/projects")
                    #expect(answer.status == 200, "\(answer.text)")
                }
            }
            try await cluster.order(2, "go \(word)")
            let released = try await cluster.note("released", ["token": held.text("token")], on: 0)
            print("\(sessions.count) connections were ended: \(released.facts)")
        }

        private func statusTimes(of node: RunningNode) async throws -> Takeover {
            var times: [Int64] = []
            for _ in 0..<20 {
                let start = ContinuousClock.now
                #expect(try await node.anonymous.get("/status").status == 500)
                times.append(Int64(start.duration(to: .now) / .milliseconds(1)))
            }
            return Takeover(times)
        }
    }
}
