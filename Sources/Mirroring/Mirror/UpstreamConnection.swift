internal import NIOCore
package import Portable

/// Signed calls from a mirror's node to its upstream.
package struct UpstreamConnection: Sendable {
    let client: PeerClient
    let baseURL: String
    let identity: FarmIdentity
    let node: NodeID

    static let root = "/rest/mirroring/1.0/"

    /// Asks for JSON.
    /// - Parameter path: Below `/rest/mirroring/1.0/`, with its query.
    /// - Throws: ``PeerError``.
    package func call(
        _ method: String, _ path: String, body: PortableValue? = nil, timeout: Duration = .seconds(30)
    ) async throws(PeerError) -> PortableValue {
        let bytes = try encoded(body)
        let authorization = try authorization(method, path, body: bytes ?? [])
        return try await client.call(
            method, baseURL + Self.root + path, authorization: authorization, body: bytes, timeout: timeout)
    }

    /// Asks for anything, and gives it as it comes.
    /// - Throws: ``PeerError``.
    package func stream(
        _ method: String, _ path: String, body: PortableValue? = nil, timeout: Duration
    ) async throws(PeerError) -> PeerAnswer {
        let bytes = try encoded(body)
        let authorization = try authorization(method, path, body: bytes ?? [])
        return try await client.send(
            method, baseURL + Self.root + path, authorization: authorization,
            headers: bytes == nil ? [] : [("Content-Type", "application/json")],
            body: bytes.map { .bytes($0) }, timeout: timeout)
    }

    private func encoded(_ body: PortableValue?) throws(PeerError) -> [UInt8]? {
        do {
            return try body.map { try JSON.encode($0) }
        } catch {
            throw .notUnderstood(url: baseURL, reason: "the request cannot be written: \(error)")
        }
    }

    /// - Parameter body: nil for one that is streamed.
    func authorization(_ method: String, _ path: String, body: [UInt8]?) throws(PeerError) -> String {
        let digest = RequestDigest(method: method, target: Self.root + path, body: body)
        do {
            return "JWT "
                + (try RequestToken.sign(
                    digest, issuer: identity.id.rawValue, node: node.rawValue, key: identity.key,
                    now: Clock.now))
        } catch {
            throw .notUnderstood(url: baseURL, reason: "the request cannot be signed: \(error)")
        }
    }
}
