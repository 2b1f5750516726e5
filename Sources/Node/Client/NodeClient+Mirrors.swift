package import Portable

extension NodeClient {
    private static let mirroring = "/rest/mirroring/latest"

    /// The mirrors that ask and those that were accepted, in the shape of mirroring requests, with `mode` and
    /// `nodes` of accepted ones; all pages.
    package func mirrors() async throws(NodeClientError) -> [PortableValue] {
        var mirrors: [PortableValue] = []
        for request in try await allPages("\(Self.mirroring)/requests") {
            guard case .map(var mirror) = request, mirror["state"]?.stringValue == "ACCEPTED",
                let id = mirror["mirrorId"]?.stringValue
            else {
                mirrors.append(request)
                continue
            }
            let server = "\(Self.mirroring)/mirrorServers/\(Self.escaped(id))"
            mirror["mode"] = try await get(server)["mode"]
            mirror["nodes"] = try await get("\(server)/nodes")
            mirrors.append(.map(mirror))
        }
        return mirrors
    }

    /// Accepts or declines the request of a mirror.
    /// - Parameter id: The mirror's, in either case.
    /// - Throws: ``NodeClientError``; as 404 when no mirror of this id has asked.
    package func decideMirror(
        _ id: String, accept: Bool, allProjects: Bool
    ) async throws(NodeClientError) {
        let requests = try await allPages("\(Self.mirroring)/requests")
        guard
            let request = requests.first(where: {
                $0["mirrorId"]?.stringValue?.uppercased() == id.uppercased()
            })?["id"]?.integerValue
        else {
            throw .refused(status: 404, message: "No mirror with the id \(id.prefix(40)) has asked.")
        }
        let mode = allProjects ? "?mode=ALL_PROJECTS" : ""
        _ = try await send(
            "POST", "\(Self.mirroring)/requests/\(request)/\(accept ? "accept" : "reject")\(mode)")
    }

    /// Removes a mirror that was accepted.
    package func removeMirror(_ id: String) async throws(NodeClientError) {
        _ = try await send("DELETE", "\(Self.mirroring)/mirrorServers/\(Self.escaped(id))")
    }

    /// How the mirror is that the client talks to.
    package func mirrorStatus() async throws(NodeClientError) -> PortableValue {
        try await get("\(Self.mirroring)/mirrorStatus")
    }

    private func allPages(_ target: String) async throws(NodeClientError) -> [PortableValue] {
        var values: [PortableValue] = []
        var start: Int64? = 0
        while let from = start {
            let page = try await get("\(target)?limit=500&start=\(from)")
            values += page["values"]?.listValue ?? []
            let next = page["nextPageStart"]?.integerValue
            start = next.flatMap { $0 > from ? $0 : nil }
        }
        return values
    }
}
