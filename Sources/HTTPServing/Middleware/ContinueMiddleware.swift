import HTTPTypes
import Hummingbird

/// Lets the first reader of a body send `100 Continue` to a client that waits for it.
struct ContinueMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: ServingContext,
        next: (Request, ServingContext) async throws -> Response
    ) async throws -> Response {
        guard request.headers[.expect] != nil else { return try await next(request, context) }
        var request = request
        request.body = RequestBody(
            asyncSequence: ContinuingBody(base: request.body, channel: context.channel))
        return try await next(request, context)
    }
}
