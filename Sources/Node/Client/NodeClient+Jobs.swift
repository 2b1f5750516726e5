package import Portable

extension NodeClient {
    /// The jobs of the cluster, each in the shape of the REST API; all pages.
    package func jobs() async throws(NodeClientError) -> [PortableValue] {
        var jobs: [PortableValue] = []
        var start: Int64? = 0
        while let from = start {
            let page = try await get("/rest/api/latest/admin/jobs?limit=500&start=\(from)")
            jobs += page["values"]?.listValue ?? []
            let next = page["nextPageStart"]?.integerValue
            start = next.flatMap { $0 > from ? $0 : nil }
        }
        return jobs
    }

    /// A job with its last runs: one entry, or one for each node whose own it is.
    package func job(namespace: String, name: String) async throws(NodeClientError) -> [PortableValue] {
        try await get(Self.job(namespace, name))["values"]?.listValue ?? []
    }

    /// Has a job run as soon as it does not.
    package func runJob(namespace: String, name: String) async throws(NodeClientError) {
        _ = try await send("POST", Self.job(namespace, name) + "/run")
    }

    /// Ends a job's schedule.
    package func unscheduleJob(namespace: String, name: String) async throws(NodeClientError) {
        _ = try await send("DELETE", Self.job(namespace, name))
    }

    private static func job(_ namespace: String, _ name: String) -> String {
        "/rest/api/latest/admin/jobs/\(escaped(namespace))/\(escaped(name))"
    }
}
