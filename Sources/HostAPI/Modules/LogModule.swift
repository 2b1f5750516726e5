import Logging
import PluginHost
import Portable

/// `perigee.log`: lines in the server's log.
enum LogModule {
    static func module() -> HostModule {
        HostModule(
            "log", summary: "Writes lines to the server's log, under the logger `perigee.plugin.<id>`.",
            notes: """
                At most 100 lines and 128 KiB a second are written; a note then says how many were left out.
                A message or a field has at most 8 KiB; what is longer is cut with a mark. Control characters
                are escaped, so that no text passes for another line. `print` writes like `info`.
                """,
            functions: [
                function("trace", .trace, "what only a developer of this plugin wants to see"),
                function("debug", .debug, "what helps to find a fault"),
                function("info", .info, "what an operator wants to know"),
                function("warn", .warning, "what an operator should look at"),
                function("error", .error, "what went wrong"),
            ])
    }

    private static func function(_ name: String, _ level: Logger.Level, _ what: String) -> HostFunction {
        HostFunction(
            name, summary: "Writes a line for \(what).",
            parameters: [
                HostParameter("message", .string, "One sentence; facts go into the fields.", isProse: true),
                HostParameter("fields", .table, "Facts by name, with string keys.", isOptional: true),
            ],
            example: """
                perigee.log.\(name)("report rebuilt", { ["repository.id"] = 12, branches = 3 })
                """,
            body: .quick(
                { call in
                    call.plugin.log.write(level, call.string(0), fields: metadata(call.value(1)))
                }, unless: { !$0.log.writes(level) }))
    }

    private static func metadata(_ fields: PortableValue) -> Logger.Metadata {
        guard case .map(let map) = fields else { return [:] }
        var metadata: Logger.Metadata = [:]
        for (key, value) in map.sorted(by: { $0.key < $1.key }).prefix(50) {
            metadata[key.cut(toBytes: 100)] = "\(text(value).cut(toBytes: 1_000))"
        }
        return metadata
    }

    private static func text(_ value: PortableValue) -> String {
        switch value {
        case .string(let text): text
        case .integer(let number): "\(number)"
        case .double(let number): "\(number)"
        case .bool(let flag): "\(flag)"
        default: (try? JSON.text(value)) ?? "(\(value.kindName))"
        }
    }
}
