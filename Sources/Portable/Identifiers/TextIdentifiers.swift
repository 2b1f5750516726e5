/// A name that this program made up for a thing; typed, so that names of different things are never mixed up.
package protocol TextIdentifier: RawRepresentable, Sendable, Hashable, Codable, CustomStringConvertible
where RawValue == String {
    /// - Parameter rawValue: The name.
    init(rawValue: String)
}

extension TextIdentifier {
    /// - Parameter rawValue: The name.
    package init(_ rawValue: String) { self.init(rawValue: rawValue) }

    /// The name.
    package var description: String { rawValue }
}

/// Which node of the cluster.
package struct NodeID: TextIdentifier {
    /// The name, unique among nodes.
    package let rawValue: String
    /// - Parameter rawValue: The name, unique among nodes.
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// Which push, from its first hook to its journal row.
package struct PushID: TextIdentifier {
    /// The name, unique for ever.
    package let rawValue: String
    /// - Parameter rawValue: The name, unique for ever.
    package init(rawValue: String) { self.rawValue = rawValue }
}
