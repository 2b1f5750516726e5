import HTTPServing
import Hosting
import Hummingbird

/// Lets nothing but `/status` through unless the node serves, and lets a stop wait for what it let through.
///
/// The HTTP door is open before the node is up and until it has drained, to tell how it stands.
struct RequestGate: RouterMiddleware {
    let status: NodeStatus
    private let visits = Visits()
    /// An answer that is written this fast is not waited for: the door's own closing sees to it.
    private static let smallBytesMax = 64 * 1024

    init(status: NodeStatus) {
        self.status = status
    }

    func handle(
        _ request: Request, context: ServingContext,
        next: (Request, ServingContext) async throws -> Response
    ) async throws -> Response {
        guard request.uri.path != "/status" else { return try await next(request, context) }
        try check()
        let visit = visits.begin()
        var response = try await next(request, context)
        let body = response.body
        guard body.contentLength ?? .max > Self.smallBytesMax else { return response }
        response.body = ResponseBody(contentLength: body.contentLength) { writer in
            defer { withExtendedLifetime(visit) {} }
            try await body.write(writer)
        }
        return response
    }

    /// - Throws: ``HostingError/unavailable(reason:)`` while the node takes no requests.
    func check() throws(HostingError) {
        guard !status.isServing else { return }
        throw .unavailable(reason: status.isStopping ? "the node is stopping" : "the node is starting")
    }

    /// Returns when nothing that was let through is going on, or when the task is cancelled.
    func drain() async { await visits.waitForNone() }
}
