package import Portable

/// One line of `perigee plugin list`.
package struct PluginSummary: Sendable, Hashable {
    /// The identifier, such as `com.example.branch-report`.
    package let id: String
    /// The name for people.
    package let name: String
    /// The version, such as `1.2.0`; empty when the manifest could not be read.
    package let version: String
    /// What it does, in a sentence; `nil` when the manifest says nothing.
    package let description: String?
    /// Who made it; `nil` when the manifest says nothing.
    package let vendor: String?
    /// Whether it came with the distribution.
    package let isFirstParty: Bool
    /// Where it stands on this node.
    package let state: PluginState
    /// Whether it is switched on and set per repository (`repository_config` in its manifest).
    package let hasRepositorySettings: Bool
    /// Whether it is asked about pushes.
    package let judgesPushes: Bool

    /// The JSON shape that the REST API and the command line share.
    package var portable: PortableValue {
        .map([
            "id": .string(id), "name": .string(name), "version": .string(version),
            "description": description.map(PortableValue.string) ?? .null,
            "vendor": vendor.map(PortableValue.string) ?? .null,
            "firstParty": .bool(isFirstParty), "state": .string(state.name),
            "reason": state.reason.map(PortableValue.string) ?? .null,
            "quarantinedSince": state.quarantine.map { .integer($0.since) } ?? .null,
            "quarantinedBy": state.quarantine.map { .string($0.node) } ?? .null,
            "repositorySettings": .bool(hasRepositorySettings), "judgesPushes": .bool(judgesPushes),
        ])
    }
}
