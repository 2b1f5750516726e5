import HTTPServing
import HTTPTypes
import Hosting
import Hummingbird
import Mirroring
import NIOCore
import Portable

/// On a mirror: `syncSettings`, passed on to the upstream in the caller's own name. The upstream decides, so
/// that nobody who gets hold of a mirror can give it more than it has.
/// - Source: Bitbucket Server's REST API, Mirroring, "mirror".
struct MirrorSettingsRelay {
    let follower: MirrorFollower

    func add(to group: RouterGroup<ServingContext>) {
        let settings = "syncSettings"
        for tail in ["", "/mode", "/projects"] {
            group.answer(.get, RouterPath(settings + tail)) { try await pass($0, settings + tail) }
        }
        for tail in ["", "/mode"] {
            group.answer(.put, RouterPath(settings + tail)) { try await pass($0, settings + tail) }
        }
        group.answer(.post, "syncSettings/projects") { try await pass($0, "syncSettings/projects") }
        for method in [HTTPRequest.Method.post, .delete] {
            group.answer(method, "syncSettings/projects/:projectId") { request in
                guard let id = Int64(try request.path("projectId")) else {
                    throw RequestError.badRequest("projectId", "The id of a project is a number.")
                }
                return try await pass(request, "syncSettings/projects/\(id)")
            }
        }
    }

    private func pass(_ request: RESTRequest, _ path: String) async throws -> Answer {
        guard !request.principal.isAnonymous else { throw HostingError.authenticationRequired }
        guard follower.status.upstreamState == .installed else {
            throw RequestError.notFound("The upstream has not accepted this mirror.")
        }
        var authorization = request.request.headers[.authorization]
        let method = request.request.method
        if request.principal.isLocalOperator {
            guard method == .get || method == .head else {
                throw RequestError(
                    .unauthorized,
                    "What a mirror has is decided on its upstream. Use perigee mirror projects there, or the "
                        + "credentials of one of its system administrators.")
            }
            authorization = nil
        }
        let body = try await request.request.collectedBody(upTo: Request.jsonBytesMax)
        let query = request.request.uri.query.map { "?\($0)" } ?? ""
        let answer = try await follower.relay(
            method == .head ? "GET" : method.rawValue, path + query, authorization: authorization,
            body: Array(body.readableBytesView))
        guard !answer.body.isEmpty else {
            return Answer(status: .init(code: answer.status), body: ResponseBody())
        }
        return Answer(
            status: .init(code: answer.status), headers: [.contentType: "application/json;charset=UTF-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
    }
}
