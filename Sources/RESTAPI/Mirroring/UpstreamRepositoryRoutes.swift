import FoundationEssentials
import HTTPServing
import HTTPTypes
import Hosting
import Hummingbird
import Mirroring
import NIOCore
import Portable

/// What an upstream tells mirrors and people of repositories: their hashes, and where they are mirrored.
///
/// Mirrors see what they are to have, people what they may read.
/// - Source: Bitbucket Server's REST API, Mirroring, "upstream".
struct UpstreamRepositoryRoutes {
    let hosting: Hosting
    let mirroring: Mirroring

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "repos") { request in
            let reader = try await reader(of: request)
            return try await page(reader, in: nil, request)
        }
        group.answer(.get, "repos/:repositoryId") { request in
            let repository = try await repository(request)
            return try .json(await enriched(repository, request))
        }
        group.answer(.get, "repos/:repositoryId/mirrors", mirrors)
        group.answer(.get, "projects/:projectId") { request in
            let (_, project) = try await project(request)
            return try .json(project.portable(links: hosting.settings.baseURL))
        }
        group.answer(.get, "projects/:projectId/repos") { request in
            let (reader, project) = try await project(request)
            return try await page(reader, in: project, request)
        }
        group.answer(.get, "analyticsSettings") { request in
            if case .person(let principal) = try await reader(of: request) {
                try await hosting.permissions.require(.licensedUser, principal)
            }
            let now = Int64(clamping: Int(Date().timeIntervalSince1970 * 1000))
            return try .json([
                "canCollectAnalytics": false, "serverTime": .integer(now), "supportEntitlementNumber": nil,
            ])
        }
        group.answer(.get, "repo-hashes") { try await hashes($0, content: true, metadata: true) }
        group.answer(.get, "repo-hashes/content") { try await hashes($0, content: true, metadata: false) }
        group.answer(.get, "repo-hashes/metadata") { try await hashes($0, content: false, metadata: true) }
    }

    /// Who reads.
    private enum Reader {
        case mirror(MirrorServer)
        case person(Principal)
    }

    private func reader(of request: RESTRequest) async throws -> Reader {
        guard Mirroring.token(of: request.request) != nil else { return .person(request.principal) }
        return .mirror(try await mirroring.admit(request).caller.mirror)
    }

    private func page(_ reader: Reader, in project: Project?, _ request: RESTRequest) async throws -> Answer {
        let page: Page<Repository>
        switch reader {
        case .mirror(let mirror):
            page = try request.page().slice(try await mirroring.catalogue.list(of: mirror, in: project?.id))
        case .person(let principal):
            page = try await hosting.repositories.list(
                RepositoryFilter(projectKey: project?.key, state: .available), page: request.page(),
                by: principal)
        }
        var shapes: [PortableValue] = []
        for repository in page.values { shapes.append(try await enriched(repository, request)) }
        let shaped = Page(values: shapes, start: page.start, limit: page.limit, nextStart: page.nextStart)
        return try .page(shaped) { $0 }
    }

    /// `EnrichedRepository`.
    private func enriched(_ repository: Repository, _ request: RESTRequest) async throws -> PortableValue {
        let entry = await mirroring.catalogue.described(repository)
        guard case .map(var fields) = repository.portable(links: hosting.settings.baseURL) else {
            return .null
        }
        var properties: [String: PortableValue] = [
            "contentHash": .string(entry.content), "metadataHash": .string(entry.metadata),
        ]
        if try request.query.flag("includeDefaultBranch") ?? false {
            properties["defaultBranchId"] = .string(entry.repository.defaultBranch)
        }
        fields["properties"] = .map(properties)
        return .map(fields)
    }

    private func repository(_ request: RESTRequest) async throws -> Repository {
        let id = try request.repositoryID()
        switch try await reader(of: request) {
        case .mirror(let mirror): return try await mirroring.catalogue.repository(id, for: mirror)
        case .person(let principal):
            guard let found = try await hosting.repositories.get(id),
                try await hosting.permissions.has(.repoRead, principal, repository: found)
            else { throw HostingError.noSuchRepository(project: "id", slug: "\(id)") }
            return found
        }
    }

    private func project(_ request: RESTRequest) async throws -> (Reader, Project) {
        let text = try request.path("projectId")
        let reader = try await reader(of: request)
        if let number = Int64(text), let found = try await hosting.projects.get(ProjectID(number)) {
            let isSeen: Bool =
                switch reader {
                case .mirror(let mirror): try await mirroring.catalogue.has(mirror, project: found.id)
                case .person(let principal):
                    try await hosting.permissions.has(.projectView, principal, project: found)
                }
            if isSeen { return (reader, found) }
        }
        throw HostingError.noSuchProject(key: Excerpt.of(text))
    }

    /// All mirrors, each with a link to the repository's resource there, and what it would answer.
    private func mirrors(_ request: RESTRequest) async throws -> Answer {
        let repository = try await repository(request)
        let isSigned = try request.query.flag("preAuthorized") ?? true
        let user = request.principal.user
        let all = try await mirroring.registry.mirrors(
            of: repository.id, in: repository.project.id, for: user?.id)
        let page = try request.page().slice(all)
        var shapes: [PortableValue] = []
        for entry in page.values {
            var link = "\(entry.mirror.properties.baseURL)/rest/mirroring/1.0/repos/\(repository.id)"
            if isSigned {
                link += "?jwt="
                link += try await mirroring.linkToken(to: repository.id, on: entry.mirror.id, for: user?.name)
            }
            shapes.append(entry.descriptor(of: repository, link: link))
        }
        let shaped = Page(values: shapes, start: page.start, limit: page.limit, nextStart: page.nextStart)
        return try .page(shaped) { $0 }
    }

    /// The hashes of everything, as they are looked up.
    private func hashes(_ request: RESTRequest, content: Bool, metadata: Bool) async throws -> Answer {
        let repositories: [Repository]
        switch try await reader(of: request) {
        case .mirror(let mirror): repositories = try await mirroring.catalogue.list(of: mirror)
        case .person(let principal):
            try await hosting.permissions.require(.admin, principal)
            repositories = try await hosting.repositories.all()
        }
        let catalogue = mirroring.catalogue
        return RepositoryHashes.answer(repositories) { repository in
            let entry = await catalogue.described(repository)
            return (content ? entry.content : nil, metadata ? entry.metadata : nil)
        }
    }
}
