package import Portable

extension NodeClient {
    /// The node's plugins in load order, each in the shape of the REST API; all pages.
    package func plugins() async throws(NodeClientError) -> [PortableValue] {
        var plugins: [PortableValue] = []
        var start: Int64? = 0
        while let from = start {
            let page = try await get("/rest/plugins/latest?limit=500&start=\(from)")
            plugins += page["values"]?.listValue ?? []
            let next = page["nextPageStart"]?.integerValue
            start = next.flatMap { $0 > from ? $0 : nil }
        }
        return plugins
    }

    /// One plugin, in the shape of the REST API.
    package func plugin(_ id: String) async throws(NodeClientError) -> PortableValue {
        let safe = id.utf8.map { byte in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || [0x2d, 0x2e, 0x5f].contains(byte)
            return isPlain
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return try await get("/rest/plugins/latest/\(safe.joined())")
    }
}
