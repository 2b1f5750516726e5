package import Foundation
package import Portable

/// A plain HTTP/1.1 client for 127.0.0.1: one connection per request, nothing followed, nothing hidden.
package struct HTTPClient: Sendable {
    /// The server's port on 127.0.0.1.
    package var port: Int
    /// Sent as `Authorization` with each request when set.
    package var authorization: String?

    /// A client without credentials.
    package init(port: Int) {
        self.port = port
    }

    /// The same client with a user's name and password (or access token in its place).
    package func basic(_ user: String, _ password: String) -> HTTPClient {
        var client = self
        client.authorization = "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
        return client
    }

    /// The same client with a bearer token.
    package func bearer(_ token: String) -> HTTPClient {
        var client = self
        client.authorization = "Bearer \(token)"
        return client
    }

    /// The same client without credentials.
    package var anonymous: HTTPClient { HTTPClient(port: port) }

    /// Sends a request and reads the whole answer.
    /// - Parameter target: The request target as sent, such as `/rest/api/latest/projects?limit=1`; not
    ///   encoded here.
    /// - Parameter headers: Sent besides Host, Connection, Content-Length and Authorization; a name given
    ///   here wins.
    /// - Throws: ``TestKitError``.
    package func send(
        _ method: String, _ target: String, headers: [String: String] = [:], body: Data? = nil
    ) async throws -> HTTPAnswer {
        var fields = ["Host": "127.0.0.1:\(port)", "Connection": "close"]
        if let authorization { fields["Authorization"] = authorization }
        if let body { fields["Content-Length"] = String(body.count) }
        fields.merge(headers) { $1 }
        var head = "\(method) \(target) HTTP/1.1\r\n"
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) { head += "\(name): \(value)\r\n" }
        let request = Data((head + "\r\n").utf8) + (body ?? Data())
        let port = port
        return try await onThread {
            let connection = try SocketConnection(port: port, patience: .seconds(120))
            defer { connection.close() }
            // A server may refuse before it has read the whole body; its answer is what counts.
            let unsent = Result { try connection.sendBlocking(request) }
            var raw = Data()
            while true {
                let piece = try connection.receiveBlocking()
                if piece.isEmpty { break }
                raw.append(piece)
            }
            if raw.isEmpty { try unsent.get() }
            return try HTTPAnswer(parsing: raw, hasBody: method != "HEAD")
        }
    }

    /// GET.
    package func get(_ target: String, headers: [String: String] = [:]) async throws -> HTTPAnswer {
        try await send("GET", target, headers: headers)
    }

    /// POST of a JSON body.
    package func post(_ target: String, _ body: PortableValue) async throws -> HTTPAnswer {
        try await send("POST", target, json: body)
    }

    /// PUT of a JSON body, or of none.
    package func put(_ target: String, _ body: PortableValue? = nil) async throws -> HTTPAnswer {
        try await send("PUT", target, json: body)
    }

    /// DELETE, with a JSON body if given.
    package func delete(_ target: String, _ body: PortableValue? = nil) async throws -> HTTPAnswer {
        try await send("DELETE", target, json: body)
    }

    private func send(_ method: String, _ target: String, json: PortableValue?) async throws -> HTTPAnswer {
        guard let json else { return try await send(method, target, body: Data()) }
        return try await send(
            method, target, headers: ["Content-Type": "application/json"], body: Data(JSON.encode(json)))
    }
}
