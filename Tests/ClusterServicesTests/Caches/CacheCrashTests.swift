import ClusterServices
import Foundation
import Logging
import NodeTestKit
import Portable
import SharedDatabase
import Testing

/// Caches when the database crashes and has lost its last commits.
@Suite struct CacheCrashTests {
    @Test func `nothing older than what was put before a crash comes after it`() async throws {
        try await CrashingCaches.with { scene in
            let caches = try await scene.open()
            for round in 1...3 as ClosedRange<Int64> {
                try await caches[0].put("a", .integer(round * 10))
                try await scene.server.psql("CHECKPOINT")
                try await scene.loseCommits { try await caches[0].put("a", .integer(round * 10 + 1)) }
                try await scene.settle(caches)
                for cache in caches {
                    #expect([nil, .integer(round * 10 + 1)].contains(cache.value("a")), "round \(round)")
                }
            }
        }
    }

    @Test func `a load that began after a crash does not replace what is put meanwhile`() async throws {
        try await CrashingCaches.with { scene in
            let caches = try await scene.open()
            try await caches[0].put("warm", 1)
            try await scene.server.psql("CHECKPOINT")
            try await scene.loseCommits {
                // Many versions, so that those after the crash are smaller for a while.
                for number in 0..<50 as Range<Int64> { try await caches[0].put("warm", .integer(number)) }
            }
            try await scene.settle(caches)
            guard case .load(let load) = try await caches[1].lookUp(.text("a")) else {
                Issue.record("the value is there already")
                return
            }
            // Who listens stands still, so that the put is not heard before the load ends.
            let listeners = try await scene.listeners()
            #expect(!listeners.isEmpty)
            for pid in listeners { kill(pid, SIGSTOP) }
            let told = await Result {
                try await caches[0].put("a", "new")
                return try await load.finish("old")
            }
            for pid in listeners { kill(pid, SIGCONT) }
            _ = try told.get()
            try await scene.settle(caches)
            try await waitUntil("the value on both nodes") {
                caches.allSatisfy { $0.value("a") != nil }
            }
            for cache in caches { #expect(cache.value("a") == "new") }
        }
    }

    @Test func `a put after a crash is kept, also where everything was removed before it`() async throws {
        try await CrashingCaches.with { scene in
            let caches = try await scene.open()
            try await caches[0].put("warm", 1)
            try await scene.server.psql("CHECKPOINT")
            try await scene.loseCommits {
                for number in 0..<50 as Range<Int64> { try await caches[0].put("warm", .integer(number)) }
                try await caches[1].clear()
                try await caches[0].clear()
            }
            try await scene.settle(caches)
            for (number, cache) in caches.enumerated() {
                // One that is under way while the crash is noticed may go; five may not.
                var isKept = false
                for attempt in 0..<5 as Range<Int64> where !isKept {
                    try await cache.put("own\(number)", .integer(attempt))
                    isKept = cache.value("own\(number)") == .integer(attempt)
                }
                #expect(isKept)
            }
        }
    }
}

/// Two nodes' caches in mode `copy` on a PostgreSQL server of their own, which forgets its last commits when
/// it is killed.
private struct CrashingCaches {
    let server: ThrowawayPostgres
    let databases: [SharedDatabase]
    let services: [CacheService]

    static func with(_ body: (CrashingCaches) async throws -> Void) async throws {
        var options = ThrowawayPostgres.Options()
        options.lines = ["wal_writer_delay = 10s"]
        let server = try await ThrowawayPostgres.start(options)
        let databases = try (0..<2).map { _ in
            try SharedDatabase.openPostgres(
                PostgresSettings(url: server.url()), logger: Logger(label: "test"))
        }
        try await databases[0].migrate(CacheService.migrations)
        try await server.psql("CREATE TABLE probe (number INTEGER)")
        let services = databases.map { CacheService(database: $0) }
        for service in services { service.start() }
        let result = await Result {
            try await body(CrashingCaches(server: server, databases: databases, services: services))
        }
        for service in services { await service.stop() }
        for database in databases { await database.close() }
        try result.get()
    }

    func open() async throws -> [CacheRegion] {
        let regions = try services.map {
            try #require(
                $0.region(namespace: "test", name: "c", settings: CacheSettings(mode: .copy)))
        }
        try await settle(regions)
        return regions
    }

    func settle(_ regions: [CacheRegion]) async throws {
        for (service, region) in zip(services, regions) {
            try #require(await service.waitUntilSettled(region, within: .seconds(60)))
        }
    }

    /// Does something, kills the server, and starts it again, until what was done is lost.
    func loseCommits(_ body: () async throws -> Void) async throws {
        for round in 1...30 {
            let writer = try #require(try await processes("backend_type = 'walwriter'").first)
            kill(writer, SIGSTOP)
            try await server.psql("SET synchronous_commit = off; INSERT INTO probe VALUES (\(round))")
            try await body()
            try await server.kill()
            try await server.start()
            // It was written before all that is to be lost.
            if try await server.psql("SELECT count(*) FROM probe WHERE number = \(round)") == "0" { return }
            for service in services {
                for region in service.regions { _ = await service.waitUntilSettled(region) }
            }
        }
        Issue.record("the server has lost nothing in 30 crashes")
    }

    func listeners() async throws -> [Int32] {
        try await processes("query LIKE '%LISTEN%' OR query = 'SELECT 1'")
    }

    private func processes(_ condition: String) async throws -> [Int32] {
        try await server.psql(
            "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (\(condition))"
        ).split(whereSeparator: \.isNewline).compactMap { Int32($0.trimmingCharacters(in: .whitespaces)) }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
