import HTTPServing
import Hosting
import Hummingbird
import Portable

/// `/rest/access-tokens/...`: tokens of users, projects and repositories. Making one is a PUT, as in the
/// original, and its answer alone has the secret.
struct AccessTokenRoutes {
    let hosting: Hosting

    func add(to group: RouterGroup<ServingContext>) {
        for base in ["users/:userSlug", ResourcePath.project, ResourcePath.repository] {
            group.answer(.get, RouterPath(base)) { request in
                let page = try await hosting.tokens.list(
                    owner: owner(request), page: request.page(), by: request.principal)
                return try .page(page) { $0.portable(links: hosting.settings.baseURL) }
            }
            group.answer(.put, RouterPath(base), create)
            group.answer(.get, RouterPath(base + "/:tokenId")) { request in
                let token = try await hosting.tokens.get(
                    tokenID(request), owner: owner(request), by: request.principal)
                return try .json(token.portable(links: hosting.settings.baseURL))
            }
            group.answer(.post, RouterPath(base + "/:tokenId"), update)
            group.answer(.delete, RouterPath(base + "/:tokenId")) { request in
                try await hosting.tokens.delete(
                    tokenID(request), owner: owner(request), by: request.principal)
                return .noContent
            }
        }
    }

    private func create(_ request: RESTRequest) async throws -> Answer {
        let body = try await request.body()
        let days = try body.integer("expiryDays")
        let created = try await hosting.tokens.create(
            owner: owner(request), name: body.requiredText("name"),
            permissions: try permissions(body) ?? [], expiryDays: days.map { Int(clamping: $0) },
            by: request.principal)
        let shape = created.token.portable(links: hosting.settings.baseURL)
        guard var fields = shape.mapValue else { return try .json(shape) }
        fields["token"] = .string(created.secretText)
        return try .json(.map(fields))
    }

    private func update(_ request: RESTRequest) async throws -> Answer {
        let body = try await request.body()
        let token = try await hosting.tokens.update(
            tokenID(request), owner: owner(request), name: body.text("name"), permissions: permissions(body),
            by: request.principal)
        return try .json(token.portable(links: hosting.settings.baseURL))
    }

    private func permissions(_ body: BodyFields) throws -> [Permission]? {
        try body.texts("permissions")?.map { word in
            guard let permission = Permission(rawValue: word.uppercased()) else {
                let nearest = Nearest.match(word, among: Permission.allCases.map(\.rawValue))
                throw RequestError.badRequest(
                    "permissions",
                    "\"\(Excerpt.of(word))\" is no permission. "
                        + (nearest.map { "Did you mean \($0)?" } ?? "Use names such as REPO_READ."))
            }
            return permission
        }
    }

    /// To whom the path's tokens belong: a repository, a project or a user.
    private func owner(_ request: RESTRequest) async throws -> TokenOwner {
        if request.context.parameters.get("repositorySlug") != nil {
            return .repository(try await request.repository(of: hosting).id)
        }
        if request.context.parameters.get("projectKey") != nil {
            return .project(try await request.project(of: hosting).id)
        }
        // Whether there is such a user is for licensed users to know.
        try await hosting.permissions.require(.licensedUser, request.principal)
        let slug = try request.path("userSlug")
        guard let user = try await hosting.users.find(slug: slug) else {
            throw HostingError.noSuchUser(name: slug)
        }
        return .user(user.id)
    }

    private func tokenID(_ request: RESTRequest) throws -> AccessTokenID {
        let text = try request.path("tokenId")
        guard let number = Int64(text) else { throw HostingError.noSuchToken(id: Excerpt.of(text)) }
        return AccessTokenID(rawValue: number)
    }
}
