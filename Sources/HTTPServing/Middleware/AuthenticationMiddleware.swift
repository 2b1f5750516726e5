import FoundationEssentials
import HTTPTypes
import Hosting
import Hummingbird
import Logging
import Portable

/// Finds out who asks, from the `Authorization` header.
///
/// No header is an anonymous caller; a header that is wrong is an error, whatever the route would allow.
struct AuthenticationMiddleware: RouterMiddleware {
    let authenticate: HTTPServing.Authentication
    let identify: HTTPServing.Identification

    func handle(
        _ request: Request, context: ServingContext,
        next: (Request, ServingContext) async throws -> Response
    ) async throws -> Response {
        guard let header = request.headers[.authorization], !Self.isToken(header) else {
            return try await next(request, context)
        }
        var context = context
        context.principal = try await authenticate(try Self.credentials(from: header))
        if let user = identify(context.principal) { context.logger[metadataKey: "user"] = "\(user.name)" }
        var response = try await next(request, context)
        // On a mirror it is known only now who showed these credentials.
        guard let user = identify(context.principal) else { return response }
        response.headers[.userName] = Self.headerText(user.name)
        response.headers[.userID] = String(user.id.rawValue)
        return response
    }

    /// Whether the header is a mirror's signature of its request, which is nobody's login: the routes for
    /// mirrors look at it themselves, and for others the caller is anonymous.
    private static func isToken(_ header: String) -> Bool { header.prefix(4).lowercased() == "jwt " }

    /// What the header says, in RFC 7617's or RFC 6750's form.
    /// - Throws: ``HostingError/authenticationFailed`` for any other form.
    static func credentials(from header: String) throws -> Credentials {
        let parts = header.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2 else { throw HostingError.authenticationFailed }
        let value = parts[1].trimmingSpaces()
        switch parts[0].lowercased() {
        case "bearer": return .bearer(String(value))
        case "basic":
            guard let data = Data(base64Encoded: String(value)),
                let text = String(validating: data, as: UTF8.self), text.isStreamSafe,
                let colon = text.firstIndex(of: ":")
            else { throw HostingError.authenticationFailed }
            return .basic(user: String(text[..<colon]), password: String(text[text.index(after: colon)...]))
        default: throw HostingError.authenticationFailed
        }
    }

    /// A user name in ASCII, as header fields need it: other characters percent-encoded.
    private static func headerText(_ name: String) -> String {
        let plain = name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "%") }
        guard !plain else { return name }
        let digits = Array("0123456789ABCDEF")
        return name.utf8.reduce(into: "") { text, byte in
            if byte > 0x20, byte < 0x7f, byte != UInt8(ascii: "%") {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }
}
