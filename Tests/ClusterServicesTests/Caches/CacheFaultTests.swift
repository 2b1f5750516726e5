import ClusterServices
import ClusterTestKit
import Foundation
import NodeTestKit
import Portable
import SharedDatabase
import Testing

/// Caches when nodes do not hear each other.
@Suite struct CacheFaultTests {
    @Test func `a lost connection empties what depended on it and nothing stale comes after`() async throws {
        try await CacheCluster.with(.postgres, nodes: 2) { cluster in
            let server = try #require(cluster.test.server)
            let caches = try await cluster.open(CacheSettings(mode: .invalidate))
            for round in 1...15 as ClosedRange<Int64> {
                try await cluster.settle(caches)
                _ = try await caches[1].value(for: .text("a")) { .integer(round - 1) }
                // Whoever listens is cut off, both nodes alike, about when the change is made.
                async let cut = server.psql(
                    """
                    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE datname = '\(cluster.test.name)' AND query LIKE '%LISTEN%'
                    """)
                let isTold = (try? await caches[0].put("a", .integer(round))) != nil
                _ = try await cut
                if !isTold {
                    try await waitUntil("the change") {
                        (try? await caches[0].put("a", .integer(round))) != nil
                    }
                }
                let end = ContinuousClock.now + .seconds(3)
                try await waitUntil("the old value to be gone") { caches[1].value("a") == nil }
                #expect(ContinuousClock.now < end + .seconds(20))
                for _ in 0..<100 {
                    let value = caches[1].value("a")
                    #expect(value == nil || value == .integer(round))
                }
            }
            try await cluster.settle(caches)
        }
    }

    @Test func `a node that hears nothing takes its caches for empty`() async throws {
        try await CacheCluster.with(.postgres, nodes: 2) { cluster in
            let server = try #require(cluster.test.server)
            for mode in [CacheSettings.Mode.invalidate, .copy] {
                let caches = try await cluster.open(CacheSettings(mode: mode), name: mode.rawValue)
                try await caches[1].put("a", 1)
                #expect(caches[1].value("a") == 1)
            }
            let silent = try #require(cluster.services[1].regions.first)
            #expect(silent.value("a") == 1)
            // The server processes stand still and close no connection: nothing is heard, nothing is lost.
            let pids = try await server.psql(
                "SELECT pid FROM pg_stat_activity WHERE datname = '\(cluster.test.name)'"
            ).split(whereSeparator: \.isNewline).compactMap { Int32($0.trimmingCharacters(in: .whitespaces)) }
            #expect(!pids.isEmpty)
            for pid in pids { kill(pid, SIGSTOP) }
            let start = ContinuousClock.now
            let emptied = await Result {
                try await waitUntil("the caches to be taken for empty", deadline: .seconds(60)) {
                    cluster.services.flatMap(\.regions).allSatisfy {
                        $0.value("a") == nil && $0.keys().isEmpty
                    }
                }
            }
            #expect(start.duration(to: .now) < .seconds(30))
            for pid in pids { kill(pid, SIGCONT) }
            try emptied.get()
            for service in cluster.services {
                for region in service.regions {
                    #expect(await service.waitUntilSettled(region, within: .seconds(60)))
                }
            }
            try await waitUntil("the copies to be there again") {
                cluster.services.allSatisfy { service in
                    service.regions.contains { $0.settings.mode == .copy && $0.value("a") == 1 }
                }
            }
        }
    }

    @Test func `a change that cannot be told is refused and leaves no value`() async throws {
        try await CacheCluster.with(.sqlite) { cluster in
            let cache = try await cluster.open(CacheSettings(mode: .invalidate))[0]
            try await cache.put("a", 1)
            await cluster.databases[0].close()
            await #expect(throws: CacheError.self) { try await cache.put("a", 2) }
            #expect(cache.value("a") == nil)
            try await waitUntil("the cache to be taken for empty") {
                _ = try await cache.value(for: .text("b")) { 1 }
                return cache.value("b") == nil
            }
        }
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
