import HTTPServing
import Hosting
import Hummingbird

/// `admin/groups`: making and removing groups, and who is in them.
struct GroupAdministrationRoutes {
    let hosting: Hosting

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "admin/groups") { request in
            try await hosting.permissions.require(.admin, request.principal)
            let page = try await hosting.groups.list(
                filter: request.query.filledText("filter"), page: request.page(), by: request.principal)
            return try .page(page) { $0.detailed }
        }
        group.answer(.post, "admin/groups") { request in
            let name = try await UserFields(request).required("name")
            return try .json(try await hosting.groups.create(name: name, by: request.principal).detailed)
        }
        group.answer(.delete, "admin/groups") { request in
            let name = try request.query.requiredText("name")
            return try .json(try await hosting.groups.delete(name: name, by: request.principal).detailed)
        }
        group.answer(.post, "admin/groups/add-user") { request in
            let body = try await request.body()
            try await hosting.groups.add(
                users: [body.requiredText("itemName")], to: body.requiredText("context"),
                by: request.principal)
            return .done
        }
        group.answer(.post, "admin/groups/add-users") { request in
            let body = try await request.body()
            try await hosting.groups.add(
                users: body.texts("users") ?? [], to: body.requiredText("group"), by: request.principal)
            return .done
        }
        group.answer(.post, "admin/groups/remove-user") { request in
            let body = try await request.body()
            try await hosting.groups.remove(
                user: body.requiredText("itemName"), from: body.requiredText("context"), by: request.principal
            )
            return .done
        }
        group.answer(.get, "admin/groups/more-members", members)
    }

    private func members(_ request: RESTRequest) async throws -> Answer {
        try await hosting.permissions.require(.admin, request.principal)
        let name = try request.query.requiredText("context")
        guard try await hosting.groups.find(name: name) != nil else {
            throw HostingError.noSuchGroup(name: name)
        }
        let page = try await hosting.users.list(
            filter: request.query.filledText("filter"), group: name, page: request.page(),
            by: request.principal)
        return try .page(page) { $0.detailed(links: hosting.settings.baseURL) }
    }
}
