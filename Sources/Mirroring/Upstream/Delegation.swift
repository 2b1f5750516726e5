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
    /// Nothing else that is signed by the same key begins so.
    private static let header = Array(#"{"alg":"EdDSA","typ":"perigee-delegation"}"#.utf8)
    private static let bytesMax = 2_000

    /// Its text.
    func sign(_ key: SigningKey) throws -> String {
        let claims: PortableValue = [
            "key": .integer(self.key), "sub": .integer(user), "aud": .string(mirror.rawValue),
            "exp": .integer(expires),
        ]
        let message = "\(Self.header.base64URL).\(try JSON.encode(claims).base64URL)"
        return "\(message).\(try key.sign(Array(message.utf8)).base64URL)"
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
        guard text.utf8.count <= Self.bytesMax else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, [UInt8](base64URL: parts[0]) == Self.header,
            let payload = [UInt8](base64URL: parts[1]), let signature = [UInt8](base64URL: parts[2]),
            SigningKey.isSigned(Array("\(parts[0]).\(parts[1])".utf8), signature, by: publicKey),
            let claims = try? JSON.decode(payload), let key = claims["key"]?.integerValue,
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
