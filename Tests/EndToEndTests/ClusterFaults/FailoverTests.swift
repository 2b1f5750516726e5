import Foundation
import NodeTestKit
import Testing

/// A standby that lacks the last transactions takes the database's place.
@Suite struct FailoverTests {
    @Test func `tokens go on and nobody keeps a lock that the standby knows nothing of`() async throws {
        var options = RunningCluster.Options()
        options.nodes = 2
        let cluster = try await RunningCluster.prepare(options)
        try cluster.install(Fixture.folder("com.example.witness"))
        try await cluster.start()
        var follower = ThrowawayPostgres.Options()
        follower.standbyOf = cluster.server
        let standby = try await ThrowawayPostgres.start(follower)
        try await cluster.order(0, "hold l1 first")
        let early = try await cluster.note("wrote", ["lock": "l1"], on: 0)
        try await standby.waitUntilCaughtUp(with: cluster.server)
        try await standby.stopFollowing(cluster.server)

        // All of this is lost.
        try await cluster.order(1, "go first")
        _ = try await cluster.note("released", ["token": early.text("token")], on: 0)
        try await cluster.order(1, "hold l1 second")
        let lost = try await cluster.note("wrote", ["lock": "l1"], on: 1)
        #expect(try lost.number("token") > early.number("token"))

        try await cluster.server.kill()
        try await standby.promote()
        let promoted = RunningCluster.now
        for proxy in cluster.proxies { proxy.redirect(to: standby.port) }
        let told = try await cluster.note("lost", ["token": lost.text("token")], on: 1)
        #expect(told.facts["lock"] == "l1")
        try await cluster.order(0, "hold l1 third")
        let next = try await cluster.note("wrote", ["lock": "l1"], on: 0, after: [lost])
        print(
            "after a promotion that lost transactions a lock was granted within \(try next.at - promoted) ms")
        #expect(try next.number("token") > lost.number("token"))
        #expect(try next.number("token") >> 40 > lost.number("token") >> 40)
        let late = try await cluster.note("late", ["token": lost.text("token")], on: 1)
        // Until the next holder has written, the lost token is the greatest that the new history has seen.
        #expect(try late.number("refused") + late.number("accepted") + late.number("failed") == 100)
        #expect(cluster.notes("refused", ["token": try next.text("token")]).isEmpty)
        try await cluster.order(1, "go third")
        _ = try await cluster.note("released", ["token": next.text("token")], on: 0)
        try await cluster.waitForAll()
        try await cluster.stop()
        try await standby.stop()
    }
}

extension ThrowawayPostgres {
    /// Waits until this standby has all that the primary has now.
    func waitUntilCaughtUp(with primary: ThrowawayPostgres) async throws {
        let end = try await primary.psql("SELECT pg_current_wal_lsn()")
        try await waitUntil("the standby has caught up") {
            try await self.psql("SELECT pg_last_wal_replay_lsn() >= '\(end)'") == "t"
        }
    }

    /// Lets this standby hear nothing more.
    func stopFollowing(_ primary: ThrowawayPostgres) async throws {
        try await psql("ALTER SYSTEM SET primary_conninfo = ''")
        try await psql("SELECT pg_reload_conf()")
        try await waitUntil("the standby is cut off") {
            try await primary.psql("SELECT count(*) FROM pg_stat_replication") == "0"
        }
    }
}
