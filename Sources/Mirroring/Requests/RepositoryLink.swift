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
    private static let kind: StaticString = "perigee-link"

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
        return try SignedClaims.sign(claims, kind: Self.kind, upstream.key)
    }

    /// Reads a text, if it was signed by a key and holds at this time; nil for anything else. Clocks may
    /// differ as everywhere between a mirror and its upstream.
    init?(_ text: String, publicKey: [UInt8], now: Int64) {
        guard let claims = SignedClaims.read(text, kind: Self.kind, publicKey: publicKey),
            let repository = claims["repo"]?.integerValue,
            let mirror = claims["aud"]?.stringValue.flatMap({ MirrorID($0) }),
            let expires = claims["exp"]?.integerValue, expires > now - RequestToken.clockTolerance
        else { return nil }
        self.repository = RepositoryID(repository)
        self.mirror = mirror
        user = claims["sub"]?.stringValue
        self.expires = expires
    }
}
