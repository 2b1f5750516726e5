package import Portable

extension NodeClient {
    /// What the executors hold, each in the shape of the REST API; all pages.
    package func executors() async throws(NodeClientError) -> [PortableValue] {
        var executors: [PortableValue] = []
        var start: Int64? = 0
        while let from = start {
            let page = try await get("/rest/api/latest/admin/executors?limit=500&start=\(from)")
            executors += page["values"]?.listValue ?? []
            let next = page["nextPageStart"]?.integerValue
            start = next.flatMap { $0 > from ? $0 : nil }
        }
        return executors
    }

    /// An executor's dead letters, oldest first, at most `limit`.
    package func deadLetters(
        namespace: String, name: String, limit: Int
    ) async throws(NodeClientError) -> [PortableValue] {
        var letters: [PortableValue] = []
        var after: Int64 = 0
        while letters.count < limit {
            let page = try await get("\(Self.deadLetters(namespace, name))?limit=100&after=\(after)")
            letters += page["values"]?.listValue ?? []
            guard let next = page["nextAfter"]?.integerValue, next > after else { break }
            after = next
        }
        return Array(letters.prefix(limit))
    }

    /// Submits dead letters again.
    /// - Parameter id: One of them; `nil` for all.
    /// - Returns: How many.
    package func retryDeadLetters(
        namespace: String, name: String, id: Int64?
    ) async throws(NodeClientError) -> Int64 {
        let answer = try await send("POST", "\(Self.deadLetters(namespace, name))/retry\(Self.query(id))")
        return answer["count"]?.integerValue ?? 0
    }

    /// Deletes dead letters.
    /// - Parameter id: One of them; `nil` for all.
    /// - Returns: How many.
    package func dropDeadLetters(
        namespace: String, name: String, id: Int64?
    ) async throws(NodeClientError) -> Int64 {
        let answer = try await send("DELETE", Self.deadLetters(namespace, name) + Self.query(id))
        return answer["count"]?.integerValue ?? 0
    }

    private static func deadLetters(_ namespace: String, _ name: String) -> String {
        "/rest/api/latest/admin/executors/\(escaped(namespace))/\(escaped(name))/dead-letters"
    }

    private static func query(_ id: Int64?) -> String { id.map { "?id=\($0)" } ?? "" }
}
