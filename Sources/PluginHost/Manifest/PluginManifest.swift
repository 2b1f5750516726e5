import Portable

/// A plugin's `plugin.json`, checked: data that is read before any of the plugin's code runs.
package struct PluginManifest: Sendable, Hashable {
    /// What happens to a push when a handler fails or is too slow.
    package enum PushFailure: String, Sendable, Hashable, CaseIterable {
        case refuse
        case accept
    }

    /// The identifier, such as `com.example.branch-report`.
    package let id: String
    /// The name for people; the id when the manifest gives none.
    package let name: String
    /// What it does, in a sentence.
    package let summary: String?
    /// Its version.
    package let version: SemanticVersion
    /// The api major it is written for.
    package let api: Int64
    /// The file that is run first, such as `main.lua`.
    package let main: String
    /// Who made it.
    package let vendor: String?
    /// Whether it may run on a cluster of several nodes.
    package let isClusterCompatible: Bool
    /// The node modes it runs in.
    package let modes: [String]
    /// Plugins that are loaded before it when they are installed.
    package let after: [String]
    /// What it may use.
    package let permissions: PluginPermissions
    /// The ceilings it sets itself.
    package let limits: ManifestLimits
    /// Settings of the whole server.
    package let config: SettingSchema
    /// Settings of a repository; `nil` when it has none and so is on everywhere.
    package let repositoryConfig: SettingSchema?
    /// What happens to a push when its handler fails.
    package let pushFailure: PushFailure

    /// The api major of this host.
    package static let apiSupported: Int64 = 1
    /// The modes a node can run in.
    package static let modesKnown = ["primary", "mirror", "standby"]
    /// The largest manifest, in bytes.
    package static let bytesMax = 64 * 1024

    /// The keys that a manifest may have.
    package static let keysKnown = [
        "$schema", "id", "name", "description", "version", "api", "main", "vendor", "cluster_compatible",
        "modes",
        "after", "permissions", "limits", "config", "repository_config", "before_push_failure",
    ]

    /// Reads and checks a manifest.
    /// - Throws: ``ManifestError`` for the first thing that is wrong, with the line where it is known.
    package static func parse(_ bytes: [UInt8]) throws(ManifestError) -> PluginManifest {
        guard bytes.count <= bytesMax else { throw ManifestError("", "more than \(bytesMax / 1024) KiB") }
        let value: PortableValue
        do {
            value = try JSON.decode(bytes)
        } catch {
            throw ManifestError("", "\(error)")
        }
        do {
            return try PluginManifest(ManifestObject(value, path: ""))
        } catch {
            throw ManifestError(error.path, error.problem, line: ManifestLine.find(error.path, in: bytes))
        }
    }

    private init(_ object: ManifestObject) throws(ManifestError) {
        try object.refuseUnknownKeys(known: Self.keysKnown)
        id = try Self.identifier(object)
        name = try object.string("name", bytesMax: 200) ?? id
        summary = try object.string("description", bytesMax: 4_000)
        version = try Self.version(object)
        api = try Self.api(object)
        main = try Self.main(object)
        vendor = try Self.vendor(object)
        isClusterCompatible = try object.boolean("cluster_compatible") ?? false
        modes = try Self.modes(object)
        after = try Self.after(object, id: id)
        permissions =
            if let part = try object.object("permissions") { try PluginPermissions(part) } else {
                PluginPermissions()
            }
        limits =
            if let part = try object.object("limits") { try ManifestLimits(part) } else { ManifestLimits() }
        config =
            if let part = try object.object("config") { try SettingSchema(part) } else { SettingSchema() }
        repositoryConfig =
            if let part = try object.object("repository_config") { try SettingSchema(part) } else { nil }
        let failure = try object.string("before_push_failure") ?? PushFailure.refuse.rawValue
        guard let pushFailure = PushFailure(rawValue: failure) else {
            throw ManifestError(
                "before_push_failure", "\"refuse\" or \"accept\" is expected, not \"\(failure)\"")
        }
        self.pushFailure = pushFailure
    }
}
