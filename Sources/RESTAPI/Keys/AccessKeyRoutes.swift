import HTTPServing
import Hosting
import Hummingbird
import Portable

/// `/rest/keys/...`: access keys, which open a project or a repository by themselves.
struct AccessKeyRoutes {
    let hosting: Hosting

    func add(to group: RouterGroup<ServingContext>) {
        for base in [ResourcePath.project, ResourcePath.repository] {
            let keys = base + "/ssh"
            group.answer(.get, RouterPath(keys)) { request in
                let place = try await place(request)
                let page = try await hosting.keys.listAccess(
                    to: place.owner, page: request.page(), by: request.principal)
                return try .page(page) { $0.portable(owner: place.shape) }
            }
            group.answer(.post, RouterPath(keys), create)
            group.answer(.get, RouterPath(keys + "/:keyId")) { request in
                let place = try await place(request)
                let access = try await hosting.keys.getAccess(
                    request.keyID(), to: place.owner, by: request.principal)
                return try .json(access.portable(owner: place.shape))
            }
            group.answer(.delete, RouterPath(keys + "/:keyId")) { request in
                let owner = try await place(request).owner
                try await hosting.keys.deleteAccess(request.keyID(), to: owner, by: request.principal)
                return .noContent
            }
            group.answer(.put, RouterPath(keys + "/:keyId/permission/:permission")) { request in
                let place = try await place(request)
                let access = try await hosting.keys.setAccess(
                    request.keyID(), to: place.owner, permission: permission(request.path("permission")),
                    by: request.principal)
                return try .json(access.portable(owner: place.shape))
            }
        }
    }

    private func create(_ request: RESTRequest) async throws -> Answer {
        let place = try await place(request)
        let body = try await request.body()
        guard let key = try body.object("key") else {
            throw RequestError.badRequest(
                "key", "\"key\" is missing. Give an object with the key's \"text\".")
        }
        let access = try await hosting.keys.addAccess(
            key.requiredText("text"), label: key.text("label"),
            permission: body.text("permission").map(permission), to: place.owner, by: request.principal)
        return try .json(access.portable(owner: place.shape), status: .created)
    }

    private func permission(_ word: String) throws -> Permission {
        guard let permission = Permission(rawValue: word.uppercased()) else {
            throw RequestError.badRequest(
                "permission",
                "\"\(Excerpt.of(word))\" is no permission. Use names such as REPO_READ or PROJECT_WRITE.")
        }
        return permission
    }

    /// What the path's keys open, with its shape.
    private func place(
        _ request: RESTRequest
    ) async throws -> (owner: SSHAccessOwner, shape: PortableValue) {
        let links = hosting.settings.baseURL
        if request.context.parameters.get("repositorySlug") != nil {
            let repository = try await request.repository(of: hosting)
            return (.repository(repository.id), repository.portable(links: links))
        }
        let project = try await request.project(of: hosting)
        return (.project(project.id), project.portable(links: links))
    }
}
