import HTTPServing
import HTTPTypes
import Hosting
import Hummingbird
import Mirroring
import NIOCore
import Portable

/// A request of a mirror, whose token was checked against its method, path, query and body.
struct MirrorRequest: Sendable {
    let caller: MirrorCaller
    /// The body's JSON; null when there is none.
    let body: PortableValue
    let rest: RESTRequest
}

extension Mirroring {
    /// How large the body of a mirror's request may be, in bytes: hashes by the hundred thousand.
    static let bodyBytesMax = 16 * 1024 * 1024

    /// The mirror behind a request.
    /// - Parameter id: Whose resource it is; nil for one that every mirror may use.
    /// - Throws: ``RequestError`` with 401; `MirroringError`.
    func admit(_ request: RESTRequest, as id: MirrorID? = nil) async throws -> MirrorRequest {
        let (token, digest, bytes) = try await Self.read(request)
        let caller = try await gate.caller(token: token, digest)
        if let id, caller.mirror.id != id {
            throw RequestError(
                .unauthorized, "Mirror \(caller.mirror.id) asks for what belongs to mirror \(id).")
        }
        return MirrorRequest(caller: caller, body: try Self.json(bytes), rest: request)
    }

    /// The token and the body of a request, not believed yet.
    static func read(_ request: RESTRequest) async throws -> (String, RequestDigest, [UInt8]) {
        guard let token = token(of: request.request) else {
            throw RequestError(
                .unauthorized, "This resource is for mirrors: the request carries no token of one.")
        }
        let body = try await request.request.collectedBody(upTo: bodyBytesMax)
        let bytes = Array(body.readableBytesView)
        let target = request.request.head.path ?? request.request.uri.string
        return (
            token,
            RequestDigest(method: request.request.method.rawValue, target: target, body: bytes), bytes
        )
    }

    static func json(_ bytes: [UInt8]) throws -> PortableValue {
        if bytes.isEmpty { return .null }
        do {
            return try JSON.decode(bytes)
        } catch {
            throw RequestError(.badRequest, "The request body is not JSON: \(error).")
        }
    }

    /// The token in the `Authorization` header of a request; nil when it has none of this kind.
    static func token(of request: Request) -> String? {
        guard let header = request.headers[.authorization] else { return nil }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "jwt" else { return nil }
        return String(parts[1])
    }
}

extension RequestError {
    /// The answer to something that the registry of mirrors refused.
    /// - Source: Bitbucket Server's REST API, `/rest/mirroring/latest`: 409 also for a request that is not
    ///   there.
    init(_ error: MirroringError) {
        let package = "com.atlassian.bitbucket."
        switch error {
        case .noSuchMirror:
            self.init(
                .notFound, error.description,
                exceptionName: package + "mirroring.mirror.NoSuchMirrorServerException")
        case .noSuchRequest, .conflict, .wrongMode: self.init(.conflict, error.description)
        case .invalid(let field, _): self.init(.badRequest, error.description, field: field)
        case .unauthorized(let token):
            var name: String?
            if case .clock = token { name = "com.atlassian.jwt.exception.JwtExpiredException" }
            self.init(.unauthorized, error.description, exceptionName: name)
        case .unavailable: self.init(.serviceUnavailable, error.description)
        }
    }
}
