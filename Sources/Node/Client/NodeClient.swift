import FoundationEssentials
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
package import Portable

/// A small client of a node's REST API, for the command line: one connection per request.
///
/// Built on what the server has anyway, so that no second HTTP stack is linked.
package struct NodeClient: Sendable {
    /// By what a caller shows who it is.
    package enum Credentials: Sendable {
        /// By nothing.
        case anonymous
        /// By an access token, or by a node's local token.
        case token(String)
        /// By a user's name and password.
        case password(user: String, password: String)

        var header: String? {
            switch self {
            case .anonymous: nil
            case .token(let token): "Bearer \(token.filter { !$0.isNewline })"
            case .password(let user, let password):
                "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
            }
        }
    }

    /// The server's address as it was given, or as the node of the home says it.
    package var url: String { address.text }
    /// What requests say who asks, such as `Bearer ...`; `nil` for nobody. Secret.
    package var authorization: String? { credentials.header }

    private let address: ServerAddress
    private let credentials: Credentials
    let isLocal: Bool

    /// A client of the node that runs on a home of this machine.
    /// - Throws: ``NodeClientError/notRunning(home:)``, ``NodeClientError/noToken(path:)``.
    package init(home: String) throws(NodeClientError) {
        let run = "\(home)/run"
        guard let node = NodeFile.read(run: run), node.isAlive else { throw .notRunning(home: home) }
        guard let token = LocalToken.read(run: run), !token.isEmpty else {
            throw .noToken(path: LocalToken.path(run))
        }
        address = try ServerAddress(node.url)
        credentials = .token(token)
        isLocal = true
    }

    /// A client of any node.
    /// - Throws: ``NodeClientError/badURL(_:)``.
    package init(server: String, credentials: Credentials) throws(NodeClientError) {
        address = try ServerAddress(server)
        self.credentials = credentials
        isLocal = false
    }

    /// Asks for a resource.
    /// - Parameter target: The path with its query, such as `/rest/plugins/latest`; no white space.
    /// - Returns: The JSON of a 2xx answer.
    /// - Throws: ``NodeClientError``; for other answers ``NodeClientError/refused(status:message:)`` with the
    ///   messages of the error envelope.
    package func get(_ target: String) async throws(NodeClientError) -> PortableValue {
        try await send("GET", target)
    }

    /// Asks for a change.
    /// - Parameter method: `PUT`, `POST` or `DELETE`.
    /// - Parameter body: Sent as JSON; `nil` for none.
    /// - Returns: The JSON of a 2xx answer; `null` when it has no body.
    /// - Throws: As ``get(_:)``.
    @discardableResult
    package func send(
        _ method: String, _ target: String, body: PortableValue? = nil
    ) async throws(NodeClientError) -> PortableValue {
        var request = "\(method) \(address.path)\(target) HTTP/1.1\r\nHost: \(address.authority)\r\n"
        request += "Accept: application/json\r\nConnection: close\r\n"
        if let authorization = credentials.header { request += "Authorization: \(authorization)\r\n" }
        if method != "GET" {
            let text: String
            do { text = try body.map { try JSON.text($0) } ?? "" } catch {
                throw .notHTTP(url: address.text, reason: "the request cannot be written as JSON: \(error)")
            }
            if body != nil { request += "Content-Type: application/json\r\n" }
            request += "Content-Length: \(text.utf8.count)\r\n\r\n\(text)"
        } else {
            request += "\r\n"
        }
        let answer = try SimpleAnswer(try await exchange(request), url: address.text)
        if answer.body.isEmpty, (200..<300).contains(answer.status) { return .null }
        let value = try? JSON.decode(answer.body)
        guard (200..<300).contains(answer.status) else {
            let messages = value?["errors"]?.listValue?.compactMap { $0["message"]?.stringValue } ?? []
            throw .refused(
                status: answer.status,
                message: messages.isEmpty ? "no explanation" : messages.joined(separator: " "))
        }
        guard let value else { throw .notHTTP(url: address.text, reason: "the body is not JSON") }
        return value
    }

    private func exchange(_ request: String) async throws(NodeClientError) -> [UInt8] {
        do {
            let channel = try await connect()
            return try await channel.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: request))
                var bytes: [UInt8] = []
                for try await piece in inbound {
                    bytes += Array(piece.readableBytesView)
                    guard bytes.count <= Self.answerBytesMax else {
                        throw NodeClientError.notHTTP(url: address.text, reason: "the answer is too large")
                    }
                }
                return bytes
            }
        } catch let error as NodeClientError {
            throw error
        } catch {
            throw .unreachable(url: address.text, reason: Self.reason(error))
        }
    }

    private func connect() async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        let host = address.host
        var configuration = TLSConfiguration.makeClientConfiguration()
        // A node of this machine is known by its home's files; its certificate names another host.
        if isLocal { configuration.certificateVerification = .none }
        let tls = address.isTLS ? try NIOSSLContext(configuration: configuration) : nil
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(10))
            .connect(host: host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        let name = Self.isAddress(host) ? nil : host
                        let handler = try NIOSSLClientHandler(context: tls, serverHostname: name)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel)
                }
            }
    }

    private static let answerBytesMax = 64 * 1024 * 1024

    private static func isAddress(_ host: String) -> Bool {
        (try? SocketAddress(ipAddress: host, port: 0)) != nil
    }

    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { reason($0.error) } ?? "the name \(error.host) is not known"
        case let error as IOError: String(cString: strerror(error.errnoCode))
        default: "\(error)"
        }
    }
}
