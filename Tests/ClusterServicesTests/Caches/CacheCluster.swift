import ClusterServices
import ClusterTestKit
import NodeTestKit
import Portable
import SharedDatabase

/// The caches of several nodes, in one process, on one database.
struct CacheCluster: Sendable {
    let test: TestDatabase
    let databases: [SharedDatabase]
    let services: [CacheService]

    /// Makes the nodes, hands them over and stops them.
    static func with<R>(
        _ engine: TestEngine, nodes: Int = 1, _ body: (CacheCluster) async throws -> R
    ) async throws -> R {
        try await TestDatabase.with(engine, migrations: CacheService.migrations) { test in
            let databases = try (0..<nodes).map { try $0 == 0 ? test.database : test.openAnother() }
            let services = databases.map { CacheService(database: $0) }
            for service in services { service.start() }
            let cluster = CacheCluster(test: test, databases: databases, services: services)
            let result: Result<R, any Error>
            do {
                result = .success(try await body(cluster))
            } catch {
                result = .failure(error)
            }
            for service in services { await service.stop() }
            for database in databases.dropFirst() { await database.close() }
            return try result.get()
        }
    }

    /// The cache of this name on every node, all of which hear each other.
    func open(_ settings: CacheSettings, name: String = "c") async throws -> [CacheRegion] {
        var regions: [CacheRegion] = []
        for service in services {
            guard let region = service.region(namespace: "test", name: name, settings: settings) else {
                throw TestKitError.deadline(waitedFor: "a cache", detail: "")
            }
            regions.append(region)
        }
        try await settle(regions)
        return regions
    }

    func settle(_ regions: [CacheRegion]) async throws {
        for (service, region) in zip(services, regions) {
            guard await service.waitUntilSettled(region, within: .seconds(60)) else {
                throw TestKitError.deadline(waitedFor: "a cache that hears", detail: "")
            }
        }
    }
}

extension CacheRegion {
    /// The value of a text.
    func value(_ key: String) -> PortableValue? { value(for: .text(key)) }

    func put(_ key: String, _ value: PortableValue) async throws { try await put(.text(key), value) }
}

/// Each engine with each mode.
let cacheModes: [(TestEngine, CacheSettings.Mode)] = TestEngine.allCases.flatMap { engine in
    CacheSettings.Mode.allCases.map { (engine, $0) }
}
