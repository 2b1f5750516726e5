import Portable

/// One plugin's facts as lines for people.
enum PluginPage {
    /// Lays the JSON of the REST API out as `name: value` lines, lists one item per line.
    static func render(_ plugin: PortableValue) -> String {
        let first = [
            "id", "name", "version", "state", "reason", "quarantinedSince", "quarantinedBy", "description",
            "vendor", "location",
        ]
        let rest = (plugin.mapValue ?? [:]).keys.sorted().filter { !first.contains($0) }
        return (first + rest).flatMap { lines(name: $0, value: plugin[$0] ?? .null, indent: "") }
            .joined(separator: "\n")
    }

    private static func lines(name: String, value: PortableValue, indent: String) -> [String] {
        switch value {
        case .null: []
        case .list(let items):
            items.isEmpty ? [] : ["\(indent)\(name):"] + items.map { "\(indent)  \(text($0))" }
        case .map(let fields):
            fields.isEmpty
                ? []
                : ["\(indent)\(name):"]
                    + fields.sorted { $0.key < $1.key }.flatMap {
                        lines(name: $0.key, value: $0.value, indent: indent + "  ")
                    }
        case .integer(let number) where name == "quarantinedSince":
            ["\(indent)\(name): \(TerminalText.time(number))"]
        default: ["\(indent)\(name): \(TerminalText.shown(text(value)))"]
        }
    }

    private static func text(_ value: PortableValue) -> String {
        value.stringValue ?? (try? JSON.text(value)) ?? ""
    }
}
