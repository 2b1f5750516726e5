import HTTPServing
import Hosting
import Hummingbird
import Mirroring
import Portable

/// `account/settings/preferred-mirror`: from which mirror somebody likes to clone.
/// - Source: Bitbucket Server's REST API, Mirroring.
struct PreferredMirrorRoutes {
    let hosting: Hosting
    let mirroring: Mirroring

    private static let path: RouterPath = "account/settings/preferred-mirror"

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, Self.path) { request in
            guard let server = try await mirroring.registry.preferred(of: user(request)) else {
                throw RequestError.notFound("No preferred mirror is kept. Send the id of one with POST.")
            }
            return try .json(server.serverShape)
        }
        group.answer(.post, Self.path) { request in
            let user = try user(request)
            guard let text = try await request.request.jsonBody().stringValue else {
                throw RequestError.badRequest(nil, "The body is no string. Send the id of a mirror.")
            }
            guard let id = MirrorID(text) else {
                throw RequestError(MirroringError.noSuchMirror(id: Excerpt.of(text)))
            }
            try await mirroring.registry.prefer(id, for: user)
            return .noContent
        }
        group.answer(.delete, Self.path) { request in
            try await mirroring.registry.prefer(nil, for: user(request))
            return .noContent
        }
    }

    private func user(_ request: RESTRequest) throws -> UserID {
        guard let user = request.principal.user else { throw HostingError.authenticationRequired }
        return user.id
    }
}
