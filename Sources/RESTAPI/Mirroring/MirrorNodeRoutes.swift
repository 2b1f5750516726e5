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
        group.answer(.get, "progress") { request in
            try await requireAdmin(request)
            return try .json(try await Self.progress(of: follower))
        }
        group.answer(.get, "farmNodes") { request in
            try await requireAdmin(request)
            return try .json(.list(follower.status.nodes.map { $0.farmShape(local: follower.node.rawValue) }))
        }
        group.answer(.get, "mirrorRepos/:externalRepositoryId", repository)
        group.answer(.get, "repos/:externalRepositoryId", repository)
        group.answer(.get, "supportInfo/repoSyncStatus") { request in
            try await requireAdmin(request)
            let copies = try await follower.copies()
            return try .page(request.page().slice(copies)) {
                $0.syncShape(upstream: follower.status.upstreamID)
            }
        }
        group.answer(.get, "supportInfo/out-of-sync-repos/content") { request in
            try await requireAdmin(request)
            let copies = try await follower.copies().filter { $0.status != .available }
            return try .json(.list(copies.map { .integer($0.repository.rawValue) }))
        }
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

    private var upstream: PortableValue {
        let status = follower.status
        return [
            "id": .optional(status.upstreamID), "baseUrl": .string(status.upstreamURL),
            "state": .string(status.upstreamState.rawValue),
        ]
    }

    /// `RestMirroredRepository`, in both of the shapes that clients read.
    private func repository(_ request: RESTRequest) async throws -> Answer {
        let text = try request.path("externalRepositoryId")
        guard let number = Int64(text),
            let found = try await hosting.repositories.get(RepositoryID(number))
        else {
            throw RequestError.notFound("The repository \(Excerpt.of(text)) is not mirrored here.")
        }
        try await hosting.permissions.require(.repoRead, request.principal, repository: found)
        let copy = try await follower.copies().first { $0.repository == found.id }
        return try .json(
            found.mirroredShape(copy, name: follower.settings.name, links: hosting.settings.baseURL))
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
    fileprivate func syncShape(upstream: String?) -> PortableValue {
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
    fileprivate func mirroredShape(_ copy: MirroredCopy?, name: String, links: BaseURL) -> PortableValue {
        let clone = portable(links: links)["links"]?["clone"] ?? .list([])
        let status = copy?.status ?? .notMirrored
        return [
            "available": .bool(status.isAvailable), "status": .string(status.rawValue),
            "repositoryId": .string("\(id)"), "mirrorName": .string(name),
            "lastUpdated": .optional(copy?.syncedMilliseconds), "cloneUrls": clone, "pushUrls": clone,
            "links": ["clone": clone, "push": clone],
        ]
    }
}
