import HTTPServing
import Hosting
import Hummingbird
import Mirroring
import Portable

/// `repos`, `projects/{key}/repos` and `projects/{key}/repos/{slug}`.
struct RepositoryRoutes {
    let hosting: Hosting
    /// Without it, nothing is said of mirrors.
    let mirroring: Mirroring?

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "repos", list)
        group.answer(.get, RouterPath(ResourcePath.project + "/repos")) { request in
            let project = try await request.project(of: hosting)
            let page = try await hosting.repositories.list(
                in: project, page: request.page(), by: request.principal)
            return try .page(page) { $0.portable(links: hosting.settings.baseURL) }
        }
        group.answer(.post, RouterPath(ResourcePath.project + "/repos"), create)
        group.answer(.get, RouterPath(ResourcePath.repository)) { request in
            let repository = try await request.repository(of: hosting)
            let shape = repository.portable(links: hosting.settings.baseURL)
            guard let mirroring, mirroring.follower == nil,
                let mirrors = try? await mirroring.registry.mirrors(
                    of: repository.id, in: repository.project.id, for: request.principal.user?.id)
            else { return try .json(shape) }
            return try .json(repository.adding(mirrors, to: shape))
        }
        group.answer(.put, RouterPath(ResourcePath.repository), update)
        group.answer(.delete, RouterPath(ResourcePath.repository), delete)
    }

    private func list(_ request: RESTRequest) async throws -> Answer {
        let query = request.query
        let filter = RepositoryFilter(
            name: query.filledText("name"), projectName: query.filledText("projectname"),
            projectKey: query.filledText("projectkey"),
            permission: try request.permission(levels: [.repository]) ?? .repoRead,
            state: try query.choice("state"),
            isPublic: try query.choice("visibility", of: Visibility.self).map { $0 == .public },
            isArchived: try (query.choice("archived", of: ArchivedFilter.self) ?? .active).isArchived)
        let page = try await hosting.repositories.list(filter, page: request.page(), by: request.principal)
        return try .page(page) { $0.portable(links: hosting.settings.baseURL) }
    }

    private func create(_ request: RESTRequest) async throws -> Answer {
        let body = try await request.body()
        let project = try await request.project(of: hosting)
        if let scm = try body.text("scmId"), scm != "git" {
            throw RequestError.badRequest("scmId", "\"scmId\" is \"\(Excerpt.of(scm))\". Use \"git\".")
        }
        let new = NewRepository(
            name: try body.requiredText("name"), description: try body.text("description"),
            isPublic: try body.flag("public") ?? false, defaultBranch: try body.text("defaultBranch"),
            isForkable: try body.flag("forkable") ?? true)
        let repository = try await hosting.repositories.create(new, in: project, by: request.principal)
        return try .json(repository.portable(links: hosting.settings.baseURL), status: .created)
    }

    /// Clients send the whole entity back with one field changed, so what is as it was is not a change.
    private func update(_ request: RESTRequest) async throws -> Answer {
        let body = try await request.body()
        let repository = try await request.repository(of: hosting)
        let projectKey = try body.object("project")?.text("key")
        let isSameProject = projectKey?.lowercased() == repository.project.key.lowercased()
        let change = RepositoryChange(
            name: try body.text("name").changed(from: repository.name),
            projectKey: isSameProject ? nil : projectKey,
            description: try body.text("description").changed(from: repository.description ?? ""),
            isPublic: try body.flag("public").changed(from: repository.isPublic),
            isForkable: try body.flag("forkable").changed(from: repository.isForkable),
            isArchived: try body.flag("archived").changed(from: repository.isArchived),
            defaultBranch: try body.text("defaultBranch"))
        let changed = try await hosting.repositories.update(repository, change, by: request.principal)
        return try .json(changed.portable(links: hosting.settings.baseURL), status: .created)
    }

    /// 202 when the repository goes, 204 when there was none: the original's codes.
    private func delete(_ request: RESTRequest) async throws -> Answer {
        let repository: Repository
        do {
            repository = try await request.repository(of: hosting)
        } catch HostingError.noSuchRepository where !request.principal.isAnonymous {
            _ = try await request.project(of: hosting)
            return .noContent
        }
        try await hosting.repositories.delete(repository, by: request.principal)
        return try .json(
            ["context": nil, "message": "Repository scheduled for deletion.", "exceptionName": nil],
            status: .accepted)
    }
}

/// Values of the query parameter `visibility`.
private enum Visibility: String, CaseIterable {
    case `public` = "PUBLIC"
    case `private` = "PRIVATE"
}

/// Values of the query parameter `archived`; ACTIVE when it is absent.
private enum ArchivedFilter: String, CaseIterable {
    case active = "ACTIVE"
    case archived = "ARCHIVED"
    case all = "ALL"

    var isArchived: Bool? {
        switch self {
        case .active: false
        case .archived: true
        case .all: nil
        }
    }
}

extension Optional where Wrapped: Equatable {
    /// The value, unless it is the one that holds already.
    fileprivate func changed(from current: Wrapped) -> Wrapped? {
        self == current ? nil : self
    }
}
