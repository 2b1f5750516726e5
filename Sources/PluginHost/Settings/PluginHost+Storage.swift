import ClusterServices
package import Portable

extension PluginHost {
    /// A page of what a plugin keeps.
    package struct StoragePage: Sendable, Hashable {
        /// `key`, `value`, `version` and `expires` (null for never) of each, in the order of the keys.
        package let entries: [PortableValue]
        /// The key after which the next page begins; `nil` on the last.
        package let next: String?
    }

    /// What a plugin keeps in key-value storage, in the order of the keys.
    /// - Parameter prefix: What the keys begin with; empty for all.
    /// - Parameter after: The last key of the page before; `nil` for the first page.
    /// - Parameter limit: 1 to 1,000; a page also ends before 4 MiB.
    /// - Throws: ``PluginHostError`` when the plugin is unknown; what the store says.
    package func storedValues(
        of plugin: String, prefix: String, after: String?, limit: Int
    ) async throws -> StoragePage {
        try requireKnown(plugin)
        let store = KeyValueStore(database: settingStore.database)
        let namespace = PluginContext.storageNamespace(of: plugin)
        let entries = try await store.fetchPage(
            namespace: namespace, prefix: prefix, after: after, limit: limit)
        var next: String?
        if let last = entries.last?.key {
            let rest = try await store.fetchPage(namespace: namespace, prefix: prefix, after: last, limit: 1)
            next = rest.isEmpty ? nil : last
        }
        return StoragePage(
            entries: entries.map { entry in
                [
                    "key": .string(entry.key), "value": entry.value, "version": .integer(entry.version),
                    "expires": entry.expires.map(PortableValue.integer) ?? .null,
                ]
            }, next: next)
    }
}

extension PluginContext {
    /// Where a plugin's values are kept: apart from those of every other.
    package static func storageNamespace(of plugin: String) -> String { "plugin/\(plugin)" }
}
