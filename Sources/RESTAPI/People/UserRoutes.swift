import HTTPServing
import Hosting
import Hummingbird
import Portable

/// `users` and `groups`: who is there, for every licensed user; and what users change about themselves.
struct UserRoutes {
    let hosting: Hosting

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "users", list)
        group.answer(.get, "users/:userSlug") { request in
            try await hosting.permissions.require(.licensedUser, request.principal)
            let slug = try request.path("userSlug")
            guard let user = try await hosting.users.find(slug: slug) else {
                throw HostingError.noSuchUser(name: slug)
            }
            return try .json(user.portable(links: hosting.settings.baseURL))
        }
        group.answer(.put, "users", update)
        group.answer(.put, "users/credentials", changePassword)
        group.answer(.get, "groups") { request in
            let page = try await hosting.groups.list(
                filter: request.query.filledText("filter"), page: request.page(), by: request.principal)
            return try .page(page) { .string($0.name) }
        }
    }

    private func list(_ request: RESTRequest) async throws -> Answer {
        let page = try await hosting.users.list(
            filter: request.query.filledText("filter"), group: request.query.filledText("group"),
            page: request.page(), by: request.principal)
        guard let condition = try await PermissionCondition(request, hosting) else {
            return try .page(page) { $0.portable(links: hosting.settings.baseURL) }
        }
        // The page is filtered after it was cut, so it may hold fewer values than it spans.
        var holders: [User] = []
        for user in page.values where try await condition.holds(for: user, hosting) { holders.append(user) }
        let held = Page(values: holders, start: page.start, limit: page.limit, nextStart: page.nextStart)
        return try .page(held) { $0.portable(links: hosting.settings.baseURL) }
    }

    private func update(_ request: RESTRequest) async throws -> Answer {
        let body = try await request.body()
        guard let user = request.principal.user else { throw HostingError.authenticationRequired }
        let change = UserChange(
            displayName: try body.text("displayName"), emailAddress: try body.text("email"))
        let changed = try await hosting.users.update(name: user.name, change, by: request.principal)
        return try .json(changed.portable(links: hosting.settings.baseURL))
    }

    private func changePassword(_ request: RESTRequest) async throws -> Answer {
        let body = try await request.body()
        let password = try body.confirmedPassword()
        try await hosting.users.changeOwnPassword(
            current: body.requiredText("oldPassword"), new: password, by: request.principal)
        return .noContent
    }
}

/// What `permission.1` and its companions ask of the users in a list.
private enum PermissionCondition {
    case global(Permission)
    case project(Permission, Project)
    case repository(Permission, Repository)

    /// `nil` when nothing is asked.
    /// - Throws: ``HostingError`` when the project or repository is not to be seen by the caller.
    init?(_ request: RESTRequest, _ hosting: Hosting) async throws {
        let name = request.query.text("permission") == nil ? "permission.1" : "permission"
        let levels: Set<PermissionLevel> = [.global, .project, .repository]
        guard let permission = try request.permission(name, levels: levels) else { return nil }
        guard let key = request.query.filledText("\(name).projectKey") else {
            self = .global(permission)
            return
        }
        guard let slug = request.query.filledText("\(name).repositorySlug") else {
            let project = try await hosting.projects.find(key: key, visibleTo: request.principal)
            self = .project(permission, project)
            return
        }
        let repository = try await hosting.repositories.find(
            projectKey: key, slug: slug, visibleTo: request.principal)
        self = .repository(permission, repository)
    }

    func holds(for user: User, _ hosting: Hosting) async throws -> Bool {
        let principal = Principal(user: user)
        return switch self {
        case .global(let permission): try await hosting.permissions.has(permission, principal)
        case .project(let permission, let project):
            try await hosting.permissions.has(permission, principal, project: project)
        case .repository(let permission, let repository):
            try await hosting.permissions.has(permission, principal, repository: repository)
        }
    }
}

extension BodyFields {
    /// The new password of a credentials body, given twice.
    /// - Throws: A 400 when it is missing or the two differ.
    func confirmedPassword() throws -> String {
        let password = try requiredText("password")
        guard try requiredText("passwordConfirm") == password else {
            throw RequestError.badRequest(
                "passwordConfirm", "The two passwords differ. Give the same one twice.")
        }
        return password
    }
}
