import Portable

/// A path in the original's shape: whole and in parts.
enum FilePathShape {
    /// - Parameter path: Relative, parted by `/`; empty for the top folder.
    static func portable(_ path: String) -> PortableValue {
        let components = path.split(separator: "/").map(String.init)
        let name = components.last ?? ""
        var fields: [String: PortableValue] = [
            "components": .list(components.map(PortableValue.string)),
            "parent": .string(components.dropLast().joined(separator: "/")),
            "name": .string(name),
            "toString": .string(components.joined(separator: "/")),
        ]
        if let dot = name.lastIndex(of: "."), name.index(after: dot) < name.endIndex {
            fields["extension"] = .string(String(name[name.index(after: dot)...]))
        }
        return .map(fields)
    }
}
