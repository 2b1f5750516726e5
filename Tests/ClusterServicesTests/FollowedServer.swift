import Logging
import NodeTestKit
import SharedDatabase

/// A primary and a standby that follows it.
struct FollowedServer {
    let primary: ThrowawayPostgres
    let standby: ThrowawayPostgres
    /// Where whichever of them is the primary is.
    let url: String

    /// A primary with the tables of these migrations, and its standby.
    init(_ migrations: [Migration]) async throws {
        primary = try await ThrowawayPostgres.start()
        try await primary.makeDatabase("failover")
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let database = try SharedDatabase.openPostgres(
            PostgresSettings(url: primary.url("failover")), logger: logger)
        try await database.migrate(migrations)
        await database.close()
        var options = ThrowawayPostgres.Options()
        options.standbyOf = primary
        standby = try await ThrowawayPostgres.start(options)
        url =
            "postgres://perigee@127.0.0.1:\(primary.port),127.0.0.1:\(standby.port)/failover"
            + "?target_session_attrs=read-write"
    }

    /// Waits until the standby has all that the primary has now.
    func waitForStandby() async throws {
        let end = try await primary.psql("SELECT pg_current_wal_lsn()")
        let standby = standby
        try await waitUntil("the standby has caught up") {
            try await standby.psql("SELECT pg_last_wal_replay_lsn() >= '\(end)'") == "t"
        }
    }

    /// Lets the standby hear nothing more.
    func cutStandbyOff() async throws {
        try await standby.psql("ALTER SYSTEM SET primary_conninfo = ''")
        try await standby.psql("SELECT pg_reload_conf()")
        let primary = primary
        try await waitUntil("the standby is cut off") {
            try await primary.psql("SELECT count(*) FROM pg_stat_replication") == "0"
        }
    }

    /// The primary dies, and the standby takes its place.
    func failOver() async throws {
        try await primary.kill()
        try await standby.promote()
    }
}
