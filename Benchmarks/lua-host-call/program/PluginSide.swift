import ClusterServices
import Foundation
import Logging
import NodeTestKit
import PluginHost
import Portable
import SharedDatabase

/// A plugin in a real host: its calls are checked, counted and answered as those of the modules of the API.
struct PluginSide: Side {
    private let plugins: PluginHost
    private let bus = EventBus()
    private let database: SharedDatabase
    private let folder: TemporaryDirectory

    init(_ loops: String) async throws {
        folder = try TemporaryDirectory("bench")
        let path = folder.path("plugins/bench")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try #"{"id": "bench", "version": "1.0.0", "api": 1}"#.write(
            toFile: "\(path)/plugin.json", atomically: true, encoding: .utf8)
        let main = """
            local bench, loops = perigee.bench, {}
            local host = {
              next = bench.next, facts = bench.facts, open = bench.open, same = bench.same,
              on = function(name, loop) loops[name] = loop end,
            }
            bench.on("run", function(event) loops[event.name](event.number) end)
            \(loops)
            """
        try main.write(toFile: "\(path)/main.lua", atomically: true, encoding: .utf8)
        let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        database = try SharedDatabase.openSQLite(path: folder.path("bench.sqlite"), logger: logger)
        try await database.migrate(PluginHost.migrations)
        var ceilings = PluginCeilings()
        ceilings.handlerCPU = .seconds(600)
        plugins = PluginHost(
            configuration: PluginHostConfiguration(
                firstPartyDirectory: nil, installedDirectory: folder.path("plugins"), ceilings: ceilings),
            database: database, events: bus, modules: [Self.module], logger: logger)
        await plugins.start()
        await plugins.announceServing()
    }

    func call(_ name: String, _ number: Int64) async throws {
        let event = Event(
            key: "run", payload: ["name": .string(name), "number": .integer(number)], id: UUID().uuidString)
        let delivery = await bus.publish(event).delivery()
        if let failure = delivery.failures.first { throw failure.error }
        guard delivery.delivered > 0 else { throw BenchmarkError.noLoop(name) }
    }

    func stop() async {
        await plugins.stop()
        await database.close()
    }

    private static let module = HostModule(
        "bench", summary: "What is measured.",
        functions: [
            HostFunction(
                "on", summary: "Hears of the runs.",
                parameters: [HostParameter("key", .string, ""), HostParameter("fn", .function("fun()"), "")],
                phase: .registration, example: "",
                body: .immediate { call in
                    try call.plugin.onEvent(call.string(0), call.callback(1))
                    return []
                }),
            HostFunction(
                "next", summary: "An integer in and out.",
                parameters: [HostParameter("number", .integer, "")],
                results: [HostResult("number", .integer, "")], example: "",
                body: .quick { call in call.give((call.integer(0) ?? 0) &+ 1) }),
            HostFunction(
                "facts", summary: "A table of five fields, and a boolean.",
                results: [HostResult("facts", .table, ""), HostResult("fine", .boolean, "")], example: "",
                body: .quick { call in
                    call.giveFields { facts in
                        facts.set("id", "4f1c")
                        facts.set("name", "node-1")
                        facts.set("version", "1.0.0")
                        facts.set("address", "10.0.0.1:7990")
                        facts.set("is_local", true)
                    }
                    call.give(true)
                }),
            HostFunction(
                "same", summary: "A table in and out.", parameters: [HostParameter("value", .value, "")],
                results: [HostResult("value", .value, "")], example: "",
                body: .quick { call in call.give(any: call.value(0)) }),
            HostFunction(
                "open", summary: "An object of the run.",
                results: [HostResult("thing", .object("Thing"), "")],
                example: "",
                body: .making { call in try call.plugin.handles.add(Thing(), as: "Thing", run: call.run) }),
        ],
        classes: [
            HostClass(
                "Thing", summary: "As a lock's guard, or a request.",
                methods: [
                    HostFunction(
                        "held", summary: "A boolean.", results: [HostResult("held", .boolean, "")],
                        example: "",
                        body: .quick { call in call.give(try call.object(as: Thing.self).isHeld) }),
                    HostFunction(
                        "header", summary: "A text for a text.",
                        parameters: [HostParameter("name", .string, "")],
                        results: [HostResult("value", .string, "")], example: "",
                        body: .quick { call in
                            call.give(try call.object(as: Thing.self).header(call.string(0)))
                        }),
                ])
        ])

    private final class Thing: HostObject {
        let isHeld = true
        private let value = "repo:refs_changed"

        func header(_ name: String) -> String? { name == "X-Event-Key" ? value : nil }
    }
}
