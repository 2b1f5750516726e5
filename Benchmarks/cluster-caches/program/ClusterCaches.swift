import ClusterServices
import Foundation
import Logging
import NodeTestKit
import Portable
import SharedDatabase

/// Times hits from Swift and Lua beside Redis, and how quickly nodes hear of changes; see README.md.
@main struct ClusterCaches {
    static func main() async throws {
        LoggingSystem.bootstrap { _ in SwiftLogNoOpLogHandler() }
        let server = try await ThrowawayPostgres.start()
        var isGood = try await hits(server)
        isGood = try await changes(server) && isGood
        say("targets: \(isGood ? "reached" : "MISSED")")
        if !isGood { exit(1) }
    }

    static let value: PortableValue = ["id": 12, "name": "branch-report", "branches": 34, "open": true]

    // MARK: - Hits

    private static func hits(_ server: ThrowawayPostgres) async throws -> Bool {
        let database = try await open(server, "hits")
        let caches = CacheService(database: database)
        caches.start()
        let settings = CacheSettings(mode: .invalidate)
        guard let region = caches.region(namespace: "plugin/bench", name: "bench", settings: settings) else {
            throw TestKitError.deadline(waitedFor: "a cache", detail: "")
        }
        _ = await caches.waitUntilSettled(region)
        for number in 0..<10_000 { _ = try await region.value(for: .text("key \(number)")) { value } }
        _ = try await region.value(for: .text("number 9999")) { 1 }
        let plugin = try await PluginSide(caches: caches)
        let redis = try RedisSide(value: 64)
        var rounds: [(swift: Double, number: Double, table: Double, redis: Double)] = []
        for _ in 0..<6 {
            let own = swiftHit(region)
            let (number, table) = try await plugin.measure()
            rounds.append((own, number, table, try redis.measure()))
        }
        rounds.removeFirst()
        let own = median(rounds.map(\.swift))
        let (number, table) = (median(rounds.map(\.number)), median(rounds.map(\.table)))
        let get = median(rounds.map(\.redis))
        say("hit, Swift                 \(text(own)) ns")
        say("hit, Lua, a number         \(text(number)) ns")
        say("hit, Lua, a table          \(text(table)) ns")
        say("GET, Redis, Unix socket    \(text(get)) ns, \(text(get / number)) times the hit of a number")
        await plugin.stop()
        redis.stop()
        await caches.stop()
        await database.close()
        return own <= 100 && number <= 400 && get / number >= 30
    }

    private static func swiftHit(_ region: CacheRegion) -> Double {
        let count = 1_000_000
        var sum = 0
        return Array("key 9998".utf8).withUnsafeBytes { key in
            let start = cpuNanoseconds()
            for _ in 0..<count { _ = region.withBytes(.text(key)) { sum &+= $0.count } }
            let time = Double(cpuNanoseconds() - start) / Double(count)
            return sum > 0 ? time : 0
        }
    }

    // MARK: - Changes

    private static func changes(_ server: ThrowawayPostgres) async throws -> Bool {
        var databases: [SharedDatabase] = [try await open(server, "changes")]
        for _ in 0..<2 {
            databases.append(
                try SharedDatabase.openPostgres(
                    PostgresSettings(url: server.url("changes")), logger: Logger(label: "bench")))
        }
        let services = databases.map { CacheService(database: $0) }
        for service in services { service.start() }
        let forgotten = try await latencies(services, .invalidate)
        let copied = try await latencies(services, .copy)
        let rate = try await puts(services)
        for service in services { await service.stop() }
        for database in databases { await database.close() }
        say("put to forgotten on 3      p50 \(text(forgotten.p50)) ms, p99 \(text(forgotten.p99)) ms")
        say("put to copied on 3         p50 \(text(copied.p50)) ms, p99 \(text(copied.p99)) ms")
        say("puts in the cluster        \(text(rate)) /s")
        return forgotten.p50 <= 2 && forgotten.p99 <= 20 && rate >= 5_000
    }

    private static func latencies(
        _ services: [CacheService], _ mode: CacheSettings.Mode
    ) async throws -> (p50: Double, p99: Double) {
        let regions = try await regions(services, mode)
        var times: [Double] = []
        for round in 0..<1_000 {
            let key = CacheKey.integer(Int64(round))
            for region in regions.dropFirst() { _ = try await region.value(for: key) { 0 } }
            let start = ContinuousClock.now
            async let put: Void = regions[0].put(key, .integer(Int64(round + 1)))
            let new: PortableValue? = mode == .copy ? .integer(Int64(round + 1)) : nil
            while regions.dropFirst().contains(where: { $0.value(for: key) != new }) {
                try await Task.sleep(for: .microseconds(20))
            }
            times.append(nanoseconds(start.duration(to: .now)) / 1e6)
            try await put
        }
        times.sort()
        return (times[times.count / 2], times[times.count * 99 / 100])
    }

    private static func puts(_ services: [CacheService]) async throws -> Double {
        let regions = try await regions(services, .invalidate)
        let count = 20_000
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<192 {
                group.addTask {
                    for number in 0..<(count / 192) {
                        try await regions[task % 3].put(.integer(Int64(task * 1000 + number)), 1)
                    }
                }
            }
            try await group.waitForAll()
        }
        return Double(count / 192 * 192) / (nanoseconds(start.duration(to: .now)) / 1e9)
    }

    private static func regions(
        _ services: [CacheService], _ mode: CacheSettings.Mode
    ) async throws -> [CacheRegion] {
        var regions: [CacheRegion] = []
        for service in services {
            let settings = CacheSettings(mode: mode, entriesMax: 100_000)
            guard let region = service.region(namespace: "b", name: mode.rawValue, settings: settings) else {
                throw TestKitError.deadline(waitedFor: "a cache", detail: "")
            }
            _ = await service.waitUntilSettled(region)
            regions.append(region)
        }
        return regions
    }

    // MARK: - Parts

    private static func open(_ server: ThrowawayPostgres, _ name: String) async throws -> SharedDatabase {
        try await server.makeDatabase(name)
        let database = try SharedDatabase.openPostgres(
            PostgresSettings(url: server.url(name)), logger: Logger(label: "bench"))
        try await database.migrate(CacheService.migrations)
        return database
    }

    /// CPU time of the process: of one thread, as the others sleep.
    static func cpuNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    static func nanoseconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) * 1e9 + Double(duration.components.attoseconds) / 1e9
    }

    /// Prints a line at once.
    private static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    private static func text(_ value: Double) -> String { String(format: "%8.2f", value) }
}
