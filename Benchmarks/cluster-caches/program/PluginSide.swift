import ClusterServices
import Foundation
import HostAPI
import Logging
import NodeTestKit
import PluginHost
import Portable
import SharedDatabase
import Synchronization

/// A plugin that reads its cache in a loop.
final class PluginSide: Sendable {
    /// What the plugin has measured: nanoseconds of a hit of a number, and of a table.
    private final class Told: Sendable {
        private let values = Mutex<(Double, Double)>((0, 0))
        func set(_ number: Double, _ table: Double) { values.withLock { $0 = (number, table) } }
        var both: (Double, Double) { values.withLock { $0 } }
    }

    private static let loops = 1_000_000
    private static let main = """
        local cache = perigee.caches.open("bench")
        local now = perigee.bench.nanoseconds
        perigee.events.on("x:run", function()
          local start = now()
          for _ = 1, \(loops) do local value = cache:get("number 9999") end
          local middle = now()
          for _ = 1, \(loops) do local value = cache:get("key 9998") end
          local stop = now()
          assert(cache:get("number 9999") == 1 and cache:get("key 9998").branches == 34)
          perigee.bench.tell(middle - start, stop - middle)
        end)
        """

    private let plugins: PluginHost
    private let bus = EventBus()
    private let database: SharedDatabase
    private let folder: TemporaryDirectory
    private let told = Told()

    init(caches: CacheService) async throws {
        folder = try TemporaryDirectory("bench")
        let path = folder.path("plugins/bench")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let manifest = """
            {"id": "bench", "version": "1.0.0", "api": 1,
             "permissions": {"caches": ["bench"], "events": ["x:run"]}}
            """
        try manifest.write(toFile: "\(path)/plugin.json", atomically: true, encoding: .utf8)
        try Self.main.write(toFile: "\(path)/main.lua", atomically: true, encoding: .utf8)
        database = try SharedDatabase.openSQLite(
            path: folder.path("bench.sqlite"), logger: Logger(label: "bench"))
        try await database.migrate(PluginHost.migrations)
        var ceilings = PluginCeilings()
        ceilings.handlerCPU = .seconds(60)
        plugins = PluginHost(
            configuration: PluginHostConfiguration(
                firstPartyDirectory: nil, installedDirectory: folder.path("plugins"), ceilings: ceilings),
            database: database, events: bus,
            modules: HostAPI.modules(cluster: ClusterAPIs(caches: caches)) + [Self.module(told)],
            logger: Logger(label: "bench"))
        await plugins.start()
        await plugins.announceServing()
    }

    /// Nanoseconds of a hit of a number, and of a table.
    func measure() async throws -> (number: Double, table: Double) {
        let delivery = await bus.publish(Event(key: "x:run", payload: [:], id: UUID().uuidString)).delivery()
        if let failure = delivery.failures.first { throw failure.error }
        let (number, table) = told.both
        return (number / Double(Self.loops), table / Double(Self.loops))
    }

    func stop() async {
        await plugins.stop()
        await database.close()
    }

    private static func module(_ told: Told) -> HostModule {
        HostModule(
            "bench", summary: "What the measurement needs.",
            functions: [
                HostFunction(
                    "nanoseconds", summary: "A clock.", example: "",
                    body: .reading { ClusterCaches.cpuNanoseconds() }),
                HostFunction(
                    "tell", summary: "Gives both times.",
                    parameters: [
                        HostParameter("number", .integer, ""), HostParameter("table", .integer, ""),
                    ],
                    example: "",
                    body: .immediate { call in
                        told.set(Double(call.integer(0)), Double(call.integer(1)))
                        return []
                    }),
            ])
    }
}
