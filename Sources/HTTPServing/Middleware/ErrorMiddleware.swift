import Hummingbird

/// Answers what a later middleware or a route has thrown.
struct ErrorMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: ServingContext,
        next: (Request, ServingContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            return ErrorRendering.response(for: error, request: request, context: context)
        }
    }
}
