import HTTPServing
import Hosting
import Hummingbird
import Portable

/// `.../permissions/users` and `.../permissions/groups` of the three levels. Writes take their parameters
/// from the query, as in the original.
struct PermissionRoutes {
    /// How many users or groups one call may grant to.
    private static let namesMax = 500

    let hosting: Hosting

    func add(to group: RouterGroup<ServingContext>) {
        for base in ["admin", ResourcePath.project, ResourcePath.repository] {
            let users = RouterPath(base + "/permissions/users")
            group.answer(.get, users, listUsers)
            group.answer(.put, users) { request in
                try await hosting.permissions.grant(
                    permission(request), toUsers: names(request), in: scope(request), by: request.principal)
                return .noContent
            }
            group.answer(.delete, users) { request in
                let scope = try await scope(request)
                for name in try names(request) {
                    try await hosting.permissions.revoke(user: name, in: scope, by: request.principal)
                }
                return .noContent
            }
            let groups = RouterPath(base + "/permissions/groups")
            group.answer(.get, groups, listGroups)
            group.answer(.put, groups) { request in
                try await hosting.permissions.grant(
                    permission(request), toGroups: names(request), in: scope(request), by: request.principal)
                return .noContent
            }
            group.answer(.delete, groups) { request in
                let scope = try await scope(request)
                for name in try names(request) {
                    try await hosting.permissions.revoke(group: name, in: scope, by: request.principal)
                }
                return .noContent
            }
        }
    }

    private func listUsers(_ request: RESTRequest) async throws -> Answer {
        let page = try await hosting.permissions.users(
            in: scope(request), filter: request.query.filledText("filter"), page: request.page(),
            by: request.principal)
        return try .page(page) { grant in
            [
                "user": grant.user.portable(links: hosting.settings.baseURL),
                "permission": .string(grant.permission.rawValue),
            ]
        }
    }

    private func listGroups(_ request: RESTRequest) async throws -> Answer {
        let page = try await hosting.permissions.groups(
            in: scope(request), filter: request.query.filledText("filter"), page: request.page(),
            by: request.principal)
        return try .page(page) { grant in
            ["group": ["name": .string(grant.group.name)], "permission": .string(grant.permission.rawValue)]
        }
    }

    /// What the path names: a repository, a project, or the whole server.
    private func scope(_ request: RESTRequest) async throws -> PermissionScope {
        if request.context.parameters.get("repositorySlug") != nil {
            return .repository(try await request.repository(of: hosting).id)
        }
        if request.context.parameters.get("projectKey") != nil {
            return .project(try await request.project(of: hosting).id)
        }
        return .global
    }

    /// The permission in the query; whether it fits the scope is for `Hosting` to say.
    private func permission(_ request: RESTRequest) throws -> Permission {
        let word = try request.query.requiredText("permission")
        guard let permission = try request.permission(levels: [.global, .project, .repository]) else {
            throw RequestError.badRequest(
                "permission", "\"\(Excerpt.of(word))\" is no permission. Name another.")
        }
        return permission
    }

    private func names(_ request: RESTRequest) throws -> [String] {
        let names = request.query.texts("name").filter { !$0.isEmpty }
        guard !names.isEmpty, names.count <= Self.namesMax else {
            throw RequestError.badRequest(
                "name", "Give the query parameter \"name\", 1 to \(Self.namesMax) times.")
        }
        return names
    }
}
