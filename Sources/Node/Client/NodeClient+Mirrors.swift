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

    /// Which projects a mirror has: the mode, and the keys of those that were chosen.
    package func projects(of mirror: String) async throws(NodeClientError) -> (mode: String, keys: [String]) {
        let settings = try await get(Self.settings(of: mirror))
        var keys: [String] = []
        for id in settings["projectIds"]?.listValue ?? [] {
            let project = try await get("\(Self.mirroring)/projects/\(Self.escaped(id.stringValue ?? ""))")
            keys.append(project["key"]?.stringValue ?? "")
        }
        return (settings["mode"]?.stringValue ?? "", keys.sorted())
    }

    /// Chooses which projects a mirror has.
    /// - Parameter confirmed: Whether copies may go from the mirror's disks; without it nothing is changed
    ///   when some would.
    /// - Returns: The repositories whose copies go, or would, each as `KEY/slug`.
    package func choose(
        _ choice: MirrorChoice, for mirror: String, confirmed: Bool
    ) async throws(NodeClientError) -> [String] {
        let target = Self.settings(of: mirror)
        var wanted: PortableValue = ["mode": "ALL_PROJECTS"]
        switch choice {
        case .all: break
        case .only(let keys):
            wanted = ["mode": "SELECTED_PROJECTS", "projectIds": .list(try await ids(of: keys))]
        case .change(let add, let remove):
            let settings = try await get(target)
            guard settings["mode"]?.stringValue == "SELECTED_PROJECTS" else {
                throw .refused(status: 409, message: "The mirror has all projects. Choose some with --only.")
            }
            let (added, removed) = (try await ids(of: add), try await ids(of: remove))
            let known = (settings["projectIds"]?.listValue ?? []).filter { !added.contains($0) }
            wanted = ["projectIds": .list((known + added).filter { !removed.contains($0) })]
        }
        let looked = try await send("PUT", "\(target)?dryRun=true", body: wanted)
        let removed = (looked["removed"]?["repositories"]?.listValue ?? []).map {
            "\($0["project"]?["key"]?.stringValue ?? "")/\($0["slug"]?.stringValue ?? "")"
        }
        if removed.isEmpty || confirmed {
            _ = try await send("PUT", "\(target)?confirm=\(confirmed)", body: wanted)
        }
        return removed
    }

    private func ids(of keys: [String]) async throws(NodeClientError) -> [PortableValue] {
        var ids: [PortableValue] = []
        for key in keys {
            let project = try await get("/rest/api/latest/projects/\(Self.escaped(key))")
            guard let id = project["id"]?.integerValue else { continue }
            ids.append(.string("\(id)"))
        }
        return ids
    }

    private static func settings(of mirror: String) -> String {
        "\(mirroring)/mirrorServers/\(escaped(mirror))/syncSettings"
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

/// What an operator wants a mirror to have.
package enum MirrorChoice: Sendable {
    /// All projects, also those to come.
    case all
    /// Those with these keys.
    case only([String])
    /// These more, and those no longer.
    case change(add: [String], remove: [String])
}
