import HTTPServing
import Hosting
import Hummingbird

/// `admin/users`: making, changing and removing users. What is created comes in the query, as in the
/// original, or in a JSON body, which keeps the password out of the URL.
struct UserAdministrationRoutes {
    let hosting: Hosting

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "admin/users") { request in
            try await hosting.permissions.require(.admin, request.principal)
            let page = try await hosting.users.list(
                filter: request.query.filledText("filter"), page: request.page(), by: request.principal)
            return try .page(page) { $0.detailed(links: hosting.settings.baseURL) }
        }
        group.answer(.post, "admin/users", create)
        group.answer(.put, "admin/users", update)
        group.answer(.delete, "admin/users") { request in
            let user = try await hosting.users.delete(
                name: request.query.requiredText("name"), by: request.principal)
            return try .json(user.detailed(links: hosting.settings.baseURL))
        }
        group.answer(.put, "admin/users/credentials") { request in
            let body = try await request.body()
            try await hosting.users.setPassword(
                name: body.requiredText("name"), password: body.confirmedPassword(), by: request.principal)
            return .noContent
        }
        group.answer(.post, "admin/users/rename", rename)
        group.answer(.post, "admin/users/add-group", addGroup)
        group.answer(.post, "admin/users/add-groups", addGroups)
        group.answer(.post, "admin/users/remove-group", removeGroup)
        group.answer(.get, "admin/users/more-members") { request in
            try await hosting.permissions.require(.admin, request.principal)
            let page = try await hosting.groups.list(
                filter: request.query.filledText("filter"), member: request.query.requiredText("context"),
                page: request.page(), by: request.principal)
            return try .page(page) { $0.detailed }
        }
    }

    private func create(_ request: RESTRequest) async throws -> Answer {
        let fields = try await UserFields(request)
        let new = NewUser(
            name: try fields.required("name"), displayName: try fields.required("displayName"),
            emailAddress: try fields.required("emailAddress"), password: try fields.required("password"),
            joinsDefaultGroup: try fields.flag("addToDefaultGroup") ?? true)
        try await hosting.users.create(new, by: request.principal)
        return .noContent
    }

    private func update(_ request: RESTRequest) async throws -> Answer {
        let body = try await request.body()
        let change = UserChange(
            displayName: try body.text("displayName"), emailAddress: try body.text("email"),
            active: try body.flag("active"))
        let user = try await hosting.users.update(
            name: body.requiredText("name"), change, by: request.principal)
        return try .json(user.detailed(links: hosting.settings.baseURL))
    }

    private func rename(_ request: RESTRequest) async throws -> Answer {
        let body = try await request.body()
        let user = try await hosting.users.update(
            name: body.requiredText("name"), UserChange(name: body.requiredText("newName")),
            by: request.principal)
        return try .json(user.detailed(links: hosting.settings.baseURL))
    }

    private func addGroup(_ request: RESTRequest) async throws -> Answer {
        let body = try await request.body()
        try await hosting.groups.add(
            users: [body.requiredText("context")], to: body.requiredText("itemName"), by: request.principal)
        return .done
    }

    private func addGroups(_ request: RESTRequest) async throws -> Answer {
        let body = try await request.body()
        let user = try body.requiredText("user")
        for group in try body.texts("groups") ?? [] {
            try await hosting.groups.add(users: [user], to: group, by: request.principal)
        }
        return .done
    }

    private func removeGroup(_ request: RESTRequest) async throws -> Answer {
        let body = try await request.body()
        try await hosting.groups.remove(
            user: body.requiredText("context"), from: body.requiredText("itemName"), by: request.principal)
        return .done
    }
}

/// The fields of a new user or group, from the query or, where there is no `name` in it, from a JSON body.
struct UserFields: Sendable {
    private let query: QueryFields
    private let body: BodyFields?

    init(_ request: RESTRequest) async throws {
        query = request.query
        body = request.query.text("name") == nil ? try await request.body() : nil
    }

    /// - Throws: A 400 naming the field when it is absent or empty.
    func required(_ name: String) throws -> String {
        try body?.requiredText(name) ?? query.requiredText(name)
    }

    /// - Throws: A 400 naming the field when it is neither true nor false.
    func flag(_ name: String) throws -> Bool? {
        if let body { return try body.flag(name) }
        return try query.flag(name)
    }
}
