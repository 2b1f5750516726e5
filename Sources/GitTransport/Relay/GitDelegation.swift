import HTTPServing
import HTTPTypes
import Hosting
import Hummingbird

/// On an upstream: a git request that a mirror passes on for the holder of a key.
enum GitDelegation {
    /// The header that says for whom, beside the mirror's own `Authorization: JWT`.
    private static let header = HTTPField.Name("X-Perigee-Delegation")

    /// The context of a request, with who asks: as it is, unless a mirror asks for somebody.
    /// - Throws: ``HostingError/authenticationFailed``.
    static func context(
        _ request: Request, _ context: ServingContext, _ hosting: Hosting
    ) async throws -> ServingContext {
        guard let authorization = request.headers[.authorization],
            authorization.prefix(4).lowercased() == "jwt "
        else { return context }
        guard let delegates = hosting.delegates else { throw HostingError.authenticationFailed }
        let address = try GitAddress(context)
        var context = context
        context.principal = try await delegates.principal(
            token: String(authorization.dropFirst(4)), delegation: header.flatMap { request.headers[$0] },
            method: request.method.rawValue, target: request.head.path ?? request.uri.string,
            projectKey: address.projectKey, slug: address.slug)
        return context
    }
}
