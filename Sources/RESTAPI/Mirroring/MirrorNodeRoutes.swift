import HTTPServing
import HTTPTypes
import Hosting
import Hummingbird
import Mirroring
import Portable

/// What a mirror tells of itself: how it stands with its upstream, its nodes, its repositories.
/// - Source: Bitbucket Server's REST API, Mirroring, "mirror"; `mirrorStatus` is Perigee's own.
struct MirrorNodeRoutes {
    let hosting: Hosting
    let mirroring: Mirroring
    let follower: MirrorFollower

    /// The mirror's id, for who compares it, at its base URL.
    func addWelcome(to group: RouterGroup<ServingContext>) {
        group.get("/") { _, _ in
            let status = follower.status
            return Response.text(
                """
                \(follower.settings.name), a mirror of \(status.upstreamURL)
                id: \(status.id)
                accepted: \(status.upstreamState.rawValue)
                state: \(status.nodeState.rawValue)

                """)
        }
    }

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "mirrorStatus") { request in
            try await requireAdmin(request)
            let progress = try await follower.progress()
            let status = follower.status
            return try .json([
                "id": .string(status.id.rawValue), "name": .string(follower.settings.name),
                "upstreamUrl": .string(status.upstreamURL), "upstreamId": .optional(status.upstreamID),
                "upstreamState": .string(status.upstreamState.rawValue),
                "state": .string(status.nodeState.rawValue), "connected": .bool(status.isConnected),
                "clockOffset": .optional(status.clockOffset), "lastError": .optional(status.lastError),
                "nodes": .list(status.nodes.map(\.portable)),
                "fetch": [
                    "transport": .string(status.fetch.transport),
                    "address": .optional(status.fetch.address),
                    "lastError": .optional(status.fetch.lastError),
                ],
                "syncedRepos": .integer(Int64(progress.synced)),
                "totalRepos": .integer(Int64(progress.total)),
            ])
        }
        group.answer(.get, "fellow") { request in
            let (token, digest, _) = try await Mirroring.read(request)
            _ = try await mirroring.gate.check(
                token: token, digest, publicKey: follower.identity.key.publicKey)
            return try .json(follower.fellowAnswer)
        }
        group.answer(.get, "upstreamServer") { request in
            try await requireAdmin(request)
            return try .json(upstream)
        }
        group.answer(.get, "upstreamServers") { request in
            try await requireAdmin(request)
            return try .page(request.page().slice([upstream])) { $0 }
        }
        group.answer(.get, "upstreamServers/:upstreamId") { request in
            try await requireAdmin(request)
            return try .json(try upstream(of: request))
        }
        group.answer(.get, "upstreamServers/:upstreamId/repos/:repositoryId") { request in
            _ = try upstream(of: request)
            return try await repository(request)
        }
        group.answer(.get, "progress") { request in
            try await requireAdmin(request)
            return try .json(try await Self.progress(of: follower))
        }
        group.answer(.get, "farmNodes") { request in
            try await requireAdmin(request)
            return try .json(.list(follower.status.nodes.map { $0.farmShape(local: follower.node.rawValue) }))
        }
        group.answer(.get, "mirrorRepos/:repositoryId", repository)
        group.answer(.get, "repos/:repositoryId", repository)
    }

    /// `{discovering, syncedRepos, totalRepos}`; idle is `false, 0, 0`.
    static func progress(of follower: MirrorFollower) async throws -> PortableValue {
        let progress = try await follower.progress()
        let isIdle = follower.status.nodeState == .synchronized
        return [
            "discovering": .bool(follower.status.nodeState == .bootstrapped),
            "syncedRepos": .integer(isIdle ? 0 : Int64(progress.synced)),
            "totalRepos": .integer(isIdle ? 0 : Int64(progress.total)),
        ]
    }

    private func upstream(of request: RESTRequest) throws -> PortableValue {
        let id = try request.path("upstreamId")
        guard id == follower.status.upstreamID else {
            throw RequestError.notFound("This mirror has no upstream with the id \(Excerpt.of(id)).")
        }
        return upstream
    }

    private var upstream: PortableValue {
        let status = follower.status
        return [
            "id": .optional(status.upstreamID), "baseUrl": .string(status.upstreamURL),
            "state": .string(status.upstreamState.rawValue),
        ]
    }

    /// `RestMirroredRepository`, in both of the shapes that clients read.
    private func repository(_ request: RESTRequest) async throws -> Answer {
        let text = try request.path("repositoryId")
        let link = request.query.filledText("jwt")
        guard let number = Int64(text), let found = try await hosting.repositories.get(RepositoryID(number)),
            try await isSeen(found, by: request, link: link)
        else {
            throw RequestError.notFound("The repository \(Excerpt.of(text)) is not mirrored here.")
        }
        let copy = try await follower.copies(of: found.id).first
        return try .json(
            found.mirroredShape(copy, name: follower.settings.name, links: hosting.settings.baseURL))
    }

    /// - Throws: `RequestError` with 401 for a link that is no longer good.
    private func isSeen(_ repository: Repository, by request: RESTRequest, link: String?) async throws -> Bool
    {
        guard let link else {
            return try await hosting.permissions.has(.repoRead, request.principal, repository: repository)
        }
        guard follower.accepts(link: link, to: repository.id) else {
            throw RequestError(
                .unauthorized, "The link is no longer good. Ask the upstream for another one.")
        }
        return true
    }

    private func requireAdmin(_ request: RESTRequest) async throws {
        try await hosting.permissions.require(.admin, request.principal)
    }
}

extension MirrorNode {
    fileprivate func farmShape(local: String) -> PortableValue {
        let host = address.split(separator: "/").last.map(String.init) ?? address
        let parts = host.split(separator: ":")
        return [
            "id": .string(id), "name": .string(name),
            "address": [
                "hostName": .string(parts.first.map(String.init) ?? host),
                "port": .optional(parts.count > 1 ? Int64(parts[1]) : nil),
            ],
            "buildVersion": .string(version), "local": .bool(id == local), "state": .string(state.rawValue),
        ]
    }
}

extension MirroredCopy {
    /// What `supportInfo` shows of it.
    func syncShape(upstream: String?) -> PortableValue {
        [
            "upstreamId": .optional(upstream), "externalRepoId": .string("\(repository)"),
            "localRepoId": .integer(repository.rawValue), "localProjectId": .optional(project?.rawValue),
            "initialSyncDate": .optional(firstSyncedMilliseconds),
            "lastSyncDate": .optional(syncedMilliseconds), "failedSyncCount": .integer(failures),
            "lastError": .optional(lastError), "status": .string(status.rawValue),
            "fetchedBytes": .optional(fetchedBytes),
            "hashes": ["content": .optional(content), "metadata": .string(metadata)],
        ]
    }
}

extension Repository {
    /// `RestMirroredRepository` of a mirror, in both of the shapes that clients read.
    func mirroredShape(_ copy: MirroredCopy?, name: String, links: BaseURL) -> PortableValue {
        let clone = cloneLinks(links)
        let status = copy?.status ?? .notMirrored
        return [
            "available": .bool(status.isAvailable), "status": .string(status.rawValue),
            "repositoryId": .string("\(id)"), "mirrorName": .string(name),
            "lastUpdated": .optional(copy?.syncedMilliseconds), "cloneUrls": clone, "pushUrls": clone,
            "links": ["clone": clone, "push": clone],
        ]
    }

    /// The addresses to clone from at a server.
    func cloneLinks(_ base: BaseURL) -> PortableValue {
        portable(links: base)["links"]?["clone"] ?? .list([])
    }
}
