package import Hosting
package import NIOCore
internal import Portable

/// Passes git requests of a mirror's clients on to the upstream.
package struct UpstreamPassage: UpstreamGit {
    private let connection: UpstreamConnection
    private let authority: RemoteAuthority
    /// Apart from the other calls, which long pushes must not hold up.
    private let client: PeerClient

    /// The header by which a mirror says for whom it asks.
    package static let delegationHeader = "X-Perigee-Delegation"
    /// A pack may be large and the line slow.
    private static let timeout = Duration.seconds(6 * 3600)
    private static let connectionsMax = 256

    init(
        connection: UpstreamConnection, authority: RemoteAuthority, settings: MirrorSettings,
        eventLoopGroup: any EventLoopGroup
    ) throws(PeerError) {
        self.connection = connection
        self.authority = authority
        client = try PeerClient(
            eventLoopGroup: eventLoopGroup, certificateAuthorities: settings.certificateAuthorities,
            connectionsMax: Self.connectionsMax)
    }

    /// Ends what runs.
    package func shutdown() async { await client.shutdown() }

    /// Passes a request on.
    package func pass(_ request: PassedRequest) async throws -> any PassedAnswer {
        var headers = request.headers
        let authorization: String?
        switch request.caller {
        case .header(let header): authorization = header
        case .key(let credentials):
            // Asked anew each time: it is good for a minute, and the key may have been taken away.
            let rights = try await authority.rights(of: credentials, on: nil, isChange: true)
            guard let delegation = rights.delegation else { throw HostingError.authenticationFailed }
            headers.append((Self.delegationHeader, delegation))
            authorization = try signed(request)
        }
        do {
            return try await client.send(
                request.method, connection.baseURL + request.target, authorization: authorization,
                headers: headers, body: request.body.map(PeerClient.Body.init), timeout: Self.timeout,
                acceptsErrors: true)
        } catch {
            throw HostingError.unavailable(reason: "the upstream, which is to do it, \(error)")
        }
    }

    /// The mirror's own signature of the request; its body is a stream.
    private func signed(_ request: PassedRequest) throws -> String {
        let digest = RequestDigest(method: request.method, target: request.target, body: nil)
        return "JWT "
            + (try RequestToken.sign(
                digest, issuer: connection.identity.id.rawValue, node: connection.node.rawValue,
                key: connection.identity.key, now: Clock.now))
    }
}

extension PeerClient.Body {
    fileprivate init(_ body: PassedRequest.Body) {
        switch body {
        case .bytes(let bytes): self = .bytes(Array(bytes.readableBytesView))
        case .stream(let pieces): self = .source(pieces)
        }
    }
}

extension PeerAnswer: PassedAnswer {
    /// As ``forEachPiece(_:)``, with errors that a mirror's clients can be told.
    package func forEachPortion(_ body: (ByteBuffer) async throws -> Void) async throws {
        do {
            try await forEachPiece(body)
        } catch let error as PeerError {
            throw HostingError.unavailable(reason: "the upstream broke off: \(error)")
        }
    }
}
