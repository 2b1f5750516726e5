internal import Portable

/// What an upstream gives to a mirror that has shown it a caller's key: for a minute the mirror may pass
/// requests on in the name of the key's holder.
struct Delegation: Sendable, Hashable {
    /// The key's number.
    let key: Int64
    /// As whom its holder acts.
    let user: Int64
    /// Which mirror may use it.
    let mirror: MirrorID
    /// In milliseconds since 1970, by the upstream's clock, which alone looks at it.
    let expires: Int64

    /// How long it is good, in milliseconds.
    static let lifeMilliseconds: Int64 = 60_000
    private static let kind: StaticString = "perigee-delegation"

    /// Its text.
    func sign(_ key: SigningKey) throws -> String {
        let claims: PortableValue = [
            "key": .integer(self.key), "sub": .integer(user), "aud": .string(mirror.rawValue),
            "exp": .integer(expires),
        ]
        return try SignedClaims.sign(claims, kind: Self.kind, key)
    }

    /// For a caller's key, from now on.
    init(key: Int64, user: Int64, mirror: MirrorID, now: Int64) {
        self.key = key
        self.user = user
        self.mirror = mirror
        expires = now + Self.lifeMilliseconds
    }

    /// Reads a text, if it was signed by a key and holds at this time; nil for anything else.
    init?(_ text: String, publicKey: [UInt8], now: Int64) {
        guard let claims = SignedClaims.read(text, kind: Self.kind, publicKey: publicKey),
            let key = claims["key"]?.integerValue,
            let user = claims["sub"]?.integerValue,
            let mirror = claims["aud"]?.stringValue.flatMap({ MirrorID($0) }),
            let expires = claims["exp"]?.integerValue, expires > now
        else { return nil }
        self.key = key
        self.user = user
        self.mirror = mirror
        self.expires = expires
    }
}
