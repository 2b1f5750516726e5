import GitStore
import HTTPServing
import HTTPTypes
import Hosting
import Hummingbird
import NIOCore

/// On a mirror: what is not answered here goes on to the upstream, in the caller's own name.
struct UpstreamDoor: Sendable {
    let hosting: Hosting
    let upstream: any UpstreamGit

    /// nil on a primary.
    init?(_ hosting: Hosting) {
        guard let upstream = hosting.upstreamGit else { return nil }
        self.hosting = hosting
        self.upstream = upstream
    }

    /// The largest body that goes on at once, with its length, so that the upstream can take the short way.
    private static let wholeBytesMax = 1024 * 1024
    private static let answerHeaders: [HTTPField.Name] = [
        .contentType, .cacheControl, .expires, .pragma, .wwwAuthenticate, .retryAfter,
    ]

    /// Passes a request on, and its answer back as it comes.
    /// - Parameter rest: What follows the repository in the URL.
    /// - Throws: ``HostingError/unavailable(reason:)`` when the upstream is away.
    func answer(
        _ request: Request, _ context: ServingContext, _ rest: String, body: PassedRequest.Body? = nil
    ) async throws -> Response {
        let answer = try await send(request, context, rest, body: body)
        return Self.response(answer) { writer in
            try await answer.forEachPortion { try await writer.write($0) }
        }
    }

    /// Passes a request on.
    /// - Throws: As ``answer(_:_:_:body:)``.
    func send(
        _ request: Request, _ context: ServingContext, _ rest: String, body: PassedRequest.Body?
    ) async throws -> any PassedAnswer {
        let address = try GitAddress(context)
        var headers: [(String, String)] = []
        for name in [HTTPField.Name.contentType, .gitProtocol, .accept, .acceptLanguage] {
            if let value = request.headers[name] { headers.append((name.canonicalName, value)) }
        }
        let passed = PassedRequest(
            method: request.method.rawValue, target: address.target(rest),
            caller: .header(request.headers[.authorization]), headers: headers, body: body)
        let answer = try await send(passed, presence: context.presence)
        guard !(300..<400).contains(answer.status) else {
            throw RequestError(
                .badGateway,
                "The upstream sends git elsewhere. Give the mirror's administrator this sentence: "
                    + "plugin.mirroring.upstream.url has to be the URL that does not redirect.")
        }
        return answer
    }

    /// Passes a request on, unless the client goes first.
    func send(_ request: PassedRequest, presence: ClientPresence) async throws -> any PassedAnswer {
        let task = Task { [upstream] in try await upstream.pass(request) }
        return try await presence.withDepartureHandler {
            try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } onDeparture: {
            task.cancel()
        }
    }

    /// The answer to a client, whose body comes from the upstream.
    static func response(
        _ answer: any PassedAnswer,
        body: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        var headers: HTTPFields = [:]
        for (name, value) in answer.headers {
            guard let name = HTTPField.Name(name), answerHeaders.contains(name) else { continue }
            headers.append(HTTPField(name: name, value: value))
        }
        return Response(
            status: HTTPResponse.Status(code: answer.status), headers: headers,
            body: ResponseBody { writer in
                var writer: any ResponseBodyWriter = writer
                try await body(&writer)
                try await writer.finish(nil)
            })
    }

    /// A client's body, of which the beginning has been read.
    /// - Parameter length: As the client says.
    static func body(
        _ first: FirstPackets, _ iterator: consuming sending RequestBody.AsyncIterator, length: String?
    ) async throws -> PassedRequest.Body {
        var first = first
        if let length = length.flatMap({ Int($0) }), length <= wholeBytesMax {
            try await first.read(&iterator, atLeast: wholeBytesMax + 1)
        }
        if first.isComplete { return .bytes(first.bytes) }
        return .stream(stream(first.bytes, BodySource(rest: iterator)))
    }

    /// Bytes that are there already, and then those of a source, each when it is asked for.
    static func stream(
        _ first: ByteBuffer, _ source: BodySource
    ) -> AsyncThrowingStream<ByteBuffer, any Error> {
        let pieces = BodyPieces(first, source)
        return AsyncThrowingStream { try await pieces.next() }
    }
}

extension GitAddress {
    /// The address of a request below `/scm`.
    /// - Throws: As ``init(project:repository:)``.
    init(_ context: ServingContext) throws(HostingError) {
        let parameters = context.coreContext.parameters
        try self.init(
            project: parameters.get("project").map { $0[...] } ?? "",
            repository: parameters.get("repository").map { $0[...] } ?? "")
    }

    /// Where the upstream has the repository.
    /// - Parameter rest: What follows it in the URL, such as `git-upload-pack`.
    func target(_ rest: String) -> String {
        "/scm/\(Self.escaped(projectKey))/\(Self.escaped(slug)).git/\(rest)"
    }

    /// Nothing is left that means something in a URL.
    private static func escaped(_ component: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var text: [UInt8] = []
        for byte in component.utf8 {
            switch UnicodeScalar(byte) {
            case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".", "~": text.append(byte)
            default: text += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
