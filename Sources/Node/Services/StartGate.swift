import HTTPServing
import Hosting
import Hummingbird

/// Lets nothing but `/status` through before the node is up: the HTTP door opens first, to tell how it
/// stands.
struct StartGate: RouterMiddleware {
    let status: NodeStatus

    func handle(
        _ request: Request, context: ServingContext,
        next: (Request, ServingContext) async throws -> Response
    ) async throws -> Response {
        if request.uri.path != "/status" { try check() }
        return try await next(request, context)
    }

    /// - Throws: ``HostingError/unavailable(reason:)`` while the node does not answer.
    func check() throws(HostingError) {
        guard status.answers else { throw .unavailable(reason: "the node is starting") }
    }
}
