package import Portable

extension NodeClient {
    /// The locks of the cluster that are held, each in the shape of the REST API; all pages.
    package func locks() async throws(NodeClientError) -> [PortableValue] {
        var locks: [PortableValue] = []
        var start: Int64? = 0
        while let from = start {
            let page = try await get("/rest/api/latest/admin/locks?limit=500&start=\(from)")
            locks += page["values"]?.listValue ?? []
            let next = page["nextPageStart"]?.integerValue
            start = next.flatMap { $0 > from ? $0 : nil }
        }
        return locks
    }

    /// Takes a lock away from whoever holds it.
    /// - Returns: Whether anybody did.
    package func breakLock(namespace: String, name: String) async throws(NodeClientError) -> Bool {
        let answer = try await send(
            "DELETE",
            "/rest/api/latest/admin/locks?namespace=\(Self.escaped(namespace))&name=\(Self.escaped(name))")
        return answer["broken"]?.boolValue ?? false
    }
}
