import HTTPServing
import HTTPTypes
import Hummingbird

extension RouterGroup where Context == ServingContext {
    /// Adds a route whose request is read by ``RESTRequest``; what answers GET answers HEAD too.
    func answer(
        _ method: HTTPRequest.Method, _ path: RouterPath,
        _ handler: @escaping @Sendable (RESTRequest) async throws -> Answer
    ) {
        on(path, method: method) { request, context in
            try await handler(RESTRequest(request, context))
        }
        guard method == .get else { return }
        on(path, method: .head) { request, context in
            try await handler(RESTRequest(request, context)).response(from: request, context: context)
                .createHeadResponse()
        }
    }
}
