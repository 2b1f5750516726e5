import HTTPServing
import Hosting
import Hummingbird

/// `projects` and `projects/{key}`.
struct ProjectRoutes {
    let hosting: Hosting

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "projects", list)
        group.answer(.post, "projects", create)
        group.answer(.get, RouterPath(ResourcePath.project)) { request in
            try .json(try await request.project(of: hosting).portable(links: hosting.settings.baseURL))
        }
        group.answer(.put, RouterPath(ResourcePath.project), update)
        group.answer(.delete, RouterPath(ResourcePath.project)) { request in
            let project = try await request.project(of: hosting)
            try await hosting.projects.delete(project, by: request.principal)
            return .noContent
        }
    }

    private func list(_ request: RESTRequest) async throws -> Answer {
        let page = try await hosting.projects.list(
            name: request.query.filledText("name"),
            permission: request.permission(levels: [.project]) ?? .projectView,
            page: request.page(), by: request.principal)
        return try .page(page) { $0.portable(links: hosting.settings.baseURL) }
    }

    private func create(_ request: RESTRequest) async throws -> Answer {
        let body = try await request.body()
        let project = try await hosting.projects.create(
            key: body.requiredText("key"), name: body.requiredText("name"),
            description: body.text("description"), isPublic: body.flag("public") ?? false,
            by: request.principal)
        return try .json(project.portable(links: hosting.settings.baseURL), status: .created)
    }

    private func update(_ request: RESTRequest) async throws -> Answer {
        let body = try await request.body()
        let project = try await request.project(of: hosting)
        let change = ProjectChange(
            key: try body.text("key"), name: try body.text("name"), description: try body.text("description"),
            isPublic: try body.flag("public"))
        let changed = try await hosting.projects.update(project, change, by: request.principal)
        return try .json(changed.portable(links: hosting.settings.baseURL))
    }
}
