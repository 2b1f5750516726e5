package import Portable

extension NodeClient {
    /// What an administrator does to a plugin.
    package enum PluginAction: String, Sendable, CaseIterable {
        /// Switches it on, and starts it.
        case enable
        /// Switches it off, and ends what it runs.
        case disable
        /// Reads it from disk again.
        case reload
        /// Ends its quarantine.
        case release
    }

    /// The node's plugins in load order, each in the shape of the REST API; all pages.
    /// - Parameter withStatistics: Whether each has its figures, as ``plugin(_:)`` has them.
    package func plugins(
        withStatistics: Bool = false
    ) async throws(NodeClientError) -> [PortableValue] {
        var plugins: [PortableValue] = []
        var start: Int64? = 0
        let more = withStatistics ? "&statistics=true" : ""
        while let from = start {
            let page = try await get("/rest/plugins/latest?limit=500&start=\(from)\(more)")
            plugins += page["values"]?.listValue ?? []
            let next = page["nextPageStart"]?.integerValue
            start = next.flatMap { $0 > from ? $0 : nil }
        }
        return plugins
    }

    /// One plugin, in the shape of the REST API.
    package func plugin(_ id: String) async throws(NodeClientError) -> PortableValue {
        try await get("/rest/plugins/latest/\(Self.escaped(id))")
    }

    /// Does something to a plugin.
    /// - Returns: The plugin as it is then.
    @discardableResult
    package func change(_ id: String, _ action: PluginAction) async throws(NodeClientError) -> PortableValue {
        try await send("PUT", "/rest/plugins/latest/\(Self.escaped(id))/\(action.rawValue)")
    }

    /// What a plugin keeps in key-value storage: `key`, `value`, `version` and `expires` of each; all pages.
    package func storedValues(
        of id: String, prefix: String
    ) async throws(NodeClientError) -> [PortableValue] {
        var entries: [PortableValue] = []
        var after = ""
        while true {
            let page = try await get(
                "/rest/plugins/latest/\(Self.escaped(id))/kv?limit=500&prefix=\(Self.escaped(prefix))"
                    + "&after=\(Self.escaped(after))")
            entries += page["values"]?.listValue ?? []
            guard let next = page["nextAfter"]?.stringValue, next > after else { return entries }
            after = next
        }
    }

    /// Any text as a part of a path or a query.
    package static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || [0x2d, 0x2e, 0x5f].contains(byte)
            return isPlain
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}
