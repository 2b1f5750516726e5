internal import AsyncHTTPClient
internal import FoundationEssentials
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
package import Portable

/// Calls to another server: kept connections, TLS, limits of time and size. To be shut down.
package final class PeerClient: Sendable {
    private let client: HTTPClient

    /// How much JSON is taken, in bytes.
    private static let answerBytesMax = 64 * 1024 * 1024

    /// - Parameter certificateAuthorities: A PEM file whose authorities are trusted instead of the system's.
    /// - Parameter connectionsMax: How many requests run at a time to one server; further ones wait.
    /// - Parameter isPersistent: Whether it tries to connect until the time is over.
    /// - Throws: ``PeerError/tls(url:reason:)`` when the file cannot be used.
    package init(
        eventLoopGroup: any EventLoopGroup, certificateAuthorities: String?, connectionsMax: Int = 8,
        isPersistent: Bool = true
    ) throws(PeerError) {
        var configuration = HTTPClient.Configuration()
        configuration.httpVersion = .http1Only
        configuration.redirectConfiguration = .disallow
        configuration.timeout = .init(connect: .seconds(10))
        configuration.connectionPool = .init(
            idleTimeout: .seconds(60), concurrentHTTP1ConnectionsPerHostSoftLimit: connectionsMax)
        configuration.connectionPool.retryConnectionEstablishment = isPersistent
        configuration.decompression = .disabled
        if let path = certificateAuthorities {
            var tls = TLSConfiguration.makeClientConfiguration()
            do {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(path))
            } catch {
                throw .tls(url: path, reason: "the file holds no certificates (\(error))")
            }
            configuration.tlsConfiguration = tls
        }
        client = HTTPClient(eventLoopGroupProvider: .shared(eventLoopGroup), configuration: configuration)
    }

    /// Ends what runs, and the connections.
    package func shutdown() async { try? await client.shutdown() }

    /// Asks and reads an answer of JSON.
    /// - Parameter url: All of it.
    /// - Parameter body: Sent as JSON; nil sends none.
    /// - Returns: `null` for an answer without a body.
    /// - Throws: ``PeerError``.
    package func call(
        _ method: String, _ url: String, authorization: String?, body: [UInt8]? = nil,
        timeout: Duration = .seconds(30)
    ) async throws(PeerError) -> PortableValue {
        let headers = body == nil ? [] : [("Content-Type", "application/json")]
        let answer = try await send(
            method, url, authorization: authorization, headers: headers, body: body.map { .bytes($0) },
            timeout: timeout)
        let bytes = try await answer.collect(upTo: Self.answerBytesMax)
        guard !bytes.isEmpty else { return .null }
        do {
            return try JSON.decode(bytes)
        } catch {
            throw .notUnderstood(url: url, reason: "\(error)")
        }
    }

    /// What a request carries.
    package enum Body: Sendable {
        /// All at once.
        case bytes([UInt8])
        /// Piece by piece, as it comes.
        case stream(AsyncStream<ByteBuffer>)
        /// Likewise; a source that fails ends the request.
        case source(AsyncThrowingStream<ByteBuffer, any Error>)
    }

    /// Asks and gives the answer as it comes.
    /// - Parameter timeout: Until the answer has come whole.
    /// - Parameter acceptsErrors: Whether an answer with an error is an answer.
    /// - Throws: ``PeerError``.
    package func send(
        _ method: String, _ url: String, authorization: String?, headers: [(String, String)] = [],
        body: Body? = nil, timeout: Duration, acceptsErrors: Bool = false
    ) async throws(PeerError) -> PeerAnswer {
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: method)
        request.headers.add(name: "User-Agent", value: "Perigee")
        if let authorization { request.headers.add(name: "Authorization", value: authorization) }
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        switch body {
        case nil: break
        case .bytes(let bytes): request.body = .bytes(ByteBuffer(bytes: bytes))
        case .stream(let pieces): request.body = .stream(pieces, length: .unknown)
        case .source(let pieces): request.body = .stream(pieces, length: .unknown)
        }
        let response: HTTPClientResponse
        do {
            response = try await client.execute(request, timeout: TimeAmount(timeout))
        } catch {
            throw Self.explain(error, url: url)
        }
        let answer = PeerAnswer(response: response, url: url)
        if !acceptsErrors, !(200..<300).contains(answer.status) { throw await answer.refusal() }
        return answer
    }

    static func explain(_ error: any Error, url: String) -> PeerError {
        let shown = url.split(separator: "?").first.map(String.init) ?? url
        switch error {
        case let error as HTTPClientError:
            if error == .deadlineExceeded || error == .readTimeout || error == .connectTimeout {
                return .timeout(url: shown)
            }
            return .unreachable(url: shown, reason: error.shortDescription)
        case let error where isRefusal(error):
            return .unreachable(url: shown, reason: PeerError.nobodyListens)
        case let error as NIOSSLError: return .tls(url: shown, reason: "\(error)")
        case let error as BoringSSLError: return .tls(url: shown, reason: "\(error)")
        default: return .unreachable(url: shown, reason: "\(error)")
        }
    }
}

extension PeerClient {
    /// Whether the machine is there, and says itself that nobody listens: at the only address, or at each.
    private static func isRefusal(_ error: any Error) -> Bool {
        if let error = error as? IOError { return error.errnoCode == ECONNREFUSED }
        guard let failures = (error as? NIOConnectionError)?.connectionErrors else { return false }
        return !failures.isEmpty
            && failures.allSatisfy { ($0.error as? IOError)?.errnoCode == ECONNREFUSED }
    }
}

/// An answer whose body comes piece by piece.
package struct PeerAnswer: Sendable {
    private let response: HTTPClientResponse
    private let url: String

    init(response: HTTPClientResponse, url: String) {
        self.response = response
        self.url = url
    }

    /// Such as 200.
    package var status: Int { Int(response.status.code) }
    /// In the order in which they came.
    package var headers: [(name: String, value: String)] { response.headers.map { ($0.name, $0.value) } }

    /// Calls a function with each piece of the body.
    /// - Throws: ``PeerError`` when the peer breaks off; what the function throws.
    package func forEachPiece(_ body: (ByteBuffer) async throws -> Void) async throws {
        var pieces = pieces()
        while let piece = try await pieces.next() { try await body(piece) }
    }

    /// The pieces of a body, for one reader.
    struct Pieces {
        fileprivate var iterator: HTTPClientResponse.Body.AsyncIterator
        fileprivate let url: String

        /// nil at the end.
        /// - Throws: ``PeerError`` when the peer breaks off.
        mutating func next() async throws(PeerError) -> ByteBuffer? {
            do {
                return try await iterator.next()
            } catch {
                throw PeerClient.explain(error, url: url)
            }
        }
    }

    /// The body, piece by piece; to be read once.
    func pieces() -> Pieces { Pieces(iterator: response.body.makeAsyncIterator(), url: url) }

    /// The whole body.
    /// - Throws: ``PeerError``, also when it is larger than the limit.
    package func collect(upTo limit: Int) async throws(PeerError) -> [UInt8] {
        do {
            let buffer = try await response.body.collect(upTo: limit)
            return Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw .notUnderstood(url: url, reason: "it is larger than \(limit) bytes")
        } catch {
            throw PeerClient.explain(error, url: url)
        }
    }

    /// What an answer with an error says.
    func refusal() async -> PeerError {
        let bytes = (try? await collect(upTo: 64 * 1024)) ?? []
        let first = (try? JSON.decode(bytes))?["errors"]?[0]
        let name = first?["exceptionName"]?.stringValue?.split(separator: ".").last
        let codes: [Substring: String] = [
            "JwtExpiredException": "clock", "IncorrectPasswordAuthenticationException": "credentials",
        ]
        return .refused(
            status: status, message: first?["message"]?.stringValue ?? response.status.reasonPhrase,
            code: name.flatMap { codes[$0] })
    }
}
