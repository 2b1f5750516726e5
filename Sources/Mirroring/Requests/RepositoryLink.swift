package import Portable

/// What an upstream puts into a link to a repository's resource on a mirror: whoever has the link may read
/// the resource, for five minutes.
/// - Source: Bitbucket Server's REST API, `GET /rest/mirroring/latest/repos/{repoId}/mirrors`.
package struct RepositoryLink: Sendable, Hashable {
    /// Of which repository.
    package let repository: RepositoryID
    /// On which mirror.
    package let mirror: MirrorID
    /// Who was given it; nil for nobody in particular.
    package let user: String?
    /// In milliseconds since 1970, by the upstream's clock.
    let expires: Int64

    /// How long it is good, in milliseconds.
    static let lifeMilliseconds: Int64 = 300_000
    /// Nothing else that is signed by the same key begins so.
    private static let header = Array(#"{"alg":"EdDSA","typ":"perigee-link"}"#.utf8)
    private static let bytesMax = 2_000

    /// From now on.
    init(repository: RepositoryID, mirror: MirrorID, user: String?, now: Int64) {
        self.repository = repository
        self.mirror = mirror
        self.user = user
        expires = now + Self.lifeMilliseconds
    }

    /// Its text.
    func sign(_ upstream: UpstreamIdentity) throws -> String {
        let claims: PortableValue = [
            "iss": .string(upstream.id), "aud": .string(mirror.rawValue), "sub": .optional(user),
            "repo": .integer(repository.rawValue), "exp": .integer(expires),
        ]
        let message = "\(Self.header.base64URL).\(try JSON.encode(claims).base64URL)"
        return "\(message).\(try upstream.key.sign(Array(message.utf8)).base64URL)"
    }

    /// Reads a text, if it was signed by a key and holds at this time; nil for anything else. Clocks may
    /// differ as everywhere between a mirror and its upstream.
    init?(_ text: String, publicKey: [UInt8], now: Int64) {
        guard text.utf8.count <= Self.bytesMax else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, [UInt8](base64URL: parts[0]) == Self.header,
            let payload = [UInt8](base64URL: parts[1]), let signature = [UInt8](base64URL: parts[2]),
            SigningKey.isSigned(Array("\(parts[0]).\(parts[1])".utf8), signature, by: publicKey),
            let claims = try? JSON.decode(payload), let repository = claims["repo"]?.integerValue,
            let mirror = claims["aud"]?.stringValue.flatMap({ MirrorID($0) }),
            let expires = claims["exp"]?.integerValue, expires > now - RequestToken.clockTolerance
        else { return nil }
        self.repository = RepositoryID(repository)
        self.mirror = mirror
        user = claims["sub"]?.stringValue
        self.expires = expires
    }
}
