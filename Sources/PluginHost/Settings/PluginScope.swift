package import Portable

/// What a plugin's settings belong to.
package struct PluginScope: Sendable, Hashable, CustomStringConvertible {
    /// The text that is stored: `global` or `repository/12`.
    package let description: String

    /// The whole server: the keys of `config` in the manifest.
    package static let global = PluginScope(description: "global")

    /// One repository: the keys of `repository_config` in the manifest.
    package static func repository(_ id: RepositoryID) -> PluginScope {
        PluginScope(description: "repository/\(id.rawValue)")
    }

    /// The repository, if it is one.
    var repository: RepositoryID? {
        let prefix = "repository/"
        guard description.hasPrefix(prefix) else { return nil }
        return Int64(description.dropFirst(prefix.count)).map { RepositoryID(rawValue: $0) }
    }

    /// Whether this is the whole server.
    package var isGlobal: Bool { self == .global }
}
