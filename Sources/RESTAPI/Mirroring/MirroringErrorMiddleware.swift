import HTTPServing
import Hummingbird
import Mirroring

/// Turns what the mechanism refuses into answers.
struct MirroringErrorMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: ServingContext,
        next: (Request, ServingContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as MirroringError {
            throw RequestError(error)
        } catch let error as PeerError {
            throw RequestError(.badGateway, "The other server \(error.description).")
        }
    }
}
