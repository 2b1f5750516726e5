import HTTPServing
import Hosting
import Hummingbird
import Mirroring
import Portable

/// What somebody who looks after a mirror asks its nodes: what waits, what runs, what is late.
/// - Source: Bitbucket Server's REST API, Mirroring, "mirror".
struct MirrorSupportRoutes {
    let hosting: Hosting
    let mirroring: Mirroring
    let follower: MirrorFollower

    private static let delayedMax = 100

    func add(to group: RouterGroup<ServingContext>) {
        let support = "supportInfo"
        let place = support + "/" + ResourcePath.repository
        admin(group, support + "/repoSyncStatus") { request in
            let copies = try await follower.copies()
            return try .page(request.page().slice(copies)) {
                $0.syncShape(upstream: follower.status.upstreamID)
            }
        }
        admin(group, place + "/repoSyncStatus") { request in
            let found = try await repository(request)
            guard let copy = try await follower.copies(of: found.id).first else { throw missing(request) }
            return try .json(copy.syncShape(upstream: follower.status.upstreamID))
        }
        admin(group, support + "/repo-lock-owners") { _ in
            try .json(.list(follower.backlog.running.map(owner)))
        }
        admin(group, place + "/repo-lock-owner") { request in
            let id = try await repository(request).id
            return try .json(follower.backlog.running.first { $0.repository == id }.map(owner) ?? [:])
        }
        admin(group, support + "/refChangesQueue") { _ in
            let shown = follower.backlog.waiting.prefix(follower.settings.queueDumpMax)
            return try .json(["values": .list(shown.map(\.shape))])
        }
        admin(group, support + "/refChangesQueue/count") { _ in
            try .json(.integer(Int64(follower.backlog.depth.count)))
        }
        admin(group, support + "/out-of-sync-repos/content") { _ in
            let ids = try await follower.outOfSync(longerThan: follower.settings.syncTolerance)
            return try .json(.list(ids.map { .integer($0.rawValue) }))
        }
        admin(group, "mirrorRepos/delayed-sync", delayed)
        addHashes(to: group)
        for path in [
            "repos", "repos/:repositoryId/mirrors", "projects/:projectId", "projects/:projectId/repos",
        ] {
            group.answer(.get, RouterPath(path)) { _ in
                throw RequestError(.conflict, "This server is a mirror, and has none. Ask its upstream.")
            }
        }
        for (word, isEnabled) in [("start", true), ("end", false)] {
            group.answer(.post, RouterPath("zdu/\(word)")) { request in
                try await hosting.permissions.require(.sysAdmin, request.principal)
                // Nodes of different versions work together at any time: there is nothing to allow.
                return try .json([
                    "rollingUpgradeEnabled": .bool(isEnabled), "version": .string(follower.settings.version),
                ])
            }
        }
    }

    private func addHashes(to group: RouterGroup<ServingContext>) {
        for (tail, content, metadata) in [
            ("", true, true), ("/content", true, false), ("/metadata", false, true),
        ] {
            admin(group, "repo-hashes" + tail) { _ in
                let copies = try await follower.copies()
                let known = Dictionary(copies.map { ($0.repository, $0) }) { first, _ in first }
                let repositories = try await hosting.repositories.mirrored().sorted {
                    ($0.project.id, $0.id) < ($1.project.id, $1.id)
                }
                return RepositoryHashes.answer(repositories) { repository in
                    let copy = known[repository.id]
                    return (content ? copy?.content : nil, metadata ? copy?.metadata : nil)
                }
            }
        }
    }

    private func admin(
        _ group: RouterGroup<ServingContext>, _ path: String,
        _ handler: @escaping @Sendable (RESTRequest) async throws -> Answer
    ) {
        group.answer(.get, RouterPath(path)) { request in
            try await hosting.permissions.require(.admin, request.principal)
            return try await handler(request)
        }
    }

    /// Those that some node of the farm is late with.
    private func delayed(_ request: RESTRequest) async throws -> Answer {
        let interval = Int(follower.settings.interval / .seconds(1))
        let seconds = max(interval, try request.query.wholeNumber("delayThreshold", minimum: 0) ?? interval)
        let limit = min(
            Self.delayedMax, try request.query.wholeNumber("limit", minimum: 1) ?? Self.delayedMax)
        var late = Set(follower.late(by: .seconds(seconds)))
        late.formUnion(await follower.lateAtFellows(by: .seconds(seconds)))
        var shapes: [PortableValue] = []
        for id in late.sorted().prefix(limit) {
            guard let repository = try await hosting.repositories.get(id) else { continue }
            shapes.append([
                "upstreamId": .optional(follower.status.upstreamID),
                "projectKey": .string(repository.project.key), "repositorySlug": .string(repository.slug),
            ])
        }
        return try .json(.list(shapes))
    }

    private func repository(_ request: RESTRequest) async throws -> Repository {
        let found = try await hosting.repositories.find(
            projectKey: request.path("projectKey"), slug: request.path("repositorySlug"))
        guard let found else { throw missing(request) }
        return found
    }

    private func missing(_ request: RESTRequest) -> HostingError {
        .noSuchRepository(
            project: (try? request.path("projectKey")) ?? "",
            slug: (try? request.path("repositorySlug")) ?? "")
    }

    private func owner(_ run: SyncBacklog.Run) -> PortableValue {
        [
            "externalRepositoryId": .string("\(run.repository)"), "nodeId": .string(follower.node.rawValue),
            "threadName": "mirroring:sync", "requestId": .string("\(run.generation)"),
            "lockAcquireTime": .integer(run.beganMilliseconds),
        ]
    }
}

extension SyncBacklog.Item {
    fileprivate var shape: PortableValue {
        [
            "externalRepoId": .string("\(repository)"),
            "type": .string(isSnapshot ? "snapshot" : "incremental"), "attempt": .integer(attempt),
            "createdAt": .integer(createdMilliseconds),
        ]
    }
}
