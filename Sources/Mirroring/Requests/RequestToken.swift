internal import Crypto
internal import Portable

/// A signed statement that its bearer makes one request: a JWT with EdDSA, good once and for half a minute.
///
/// - Source: RFC 7519; RFC 8037, section 3.1.
package struct RequestToken: Sendable {
    /// Who signed: a mirror's id, or the upstream's.
    package let issuer: String
    /// Which node of it.
    package let node: String
    /// Unique for ever.
    package let id: String
    /// By the signer's clock, in milliseconds since 1970.
    package let issuedAt: Int64
    private let expiresAt: Int64
    private let target: String
    private let body: String
    private let signed: [UInt8]
    private let signature: [UInt8]

    /// How long a token is good, in milliseconds.
    package static let lifeMilliseconds: Int64 = 30_000
    /// How far two clocks may be apart, in milliseconds.
    package static let clockTolerance: Int64 = 30_000

    /// Makes the text of a token.
    /// - Parameter now: By this machine's clock, in milliseconds since 1970.
    package static func sign(
        _ digest: RequestDigest, issuer: String, node: String, key: SigningKey, now: Int64
    ) throws -> String {
        var generator = SystemRandomNumberGenerator()
        let id = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let claims: PortableValue = [
            "iss": .string(issuer), "sub": .string(node), "jti": .string(id.hexadecimal),
            "iat": .double(Double(now) / 1000), "exp": .double(Double(now + lifeMilliseconds) / 1000),
            "qsh": .string(digest.target), "bsh": .string(digest.body),
        ]
        return try SignedClaims.sign(claims, kind: "JWT", key)
    }

    /// Reads a token without believing any of it.
    /// - Throws: ``TokenError/malformed(_:)``.
    package init(_ text: String) throws(TokenError) {
        guard text.utf8.count <= SignedClaims.bytesMax else { throw .malformed("it is too long") }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = [UInt8](base64URL: parts[0]),
            let payload = [UInt8](base64URL: parts[1]), let signature = [UInt8](base64URL: parts[2])
        else { throw .malformed("it is not three parts of base64url") }
        guard let kind = try? JSON.decode(header), kind["alg"]?.stringValue == "EdDSA" else {
            throw .malformed("its algorithm is not EdDSA")
        }
        guard let claims = try? JSON.decode(payload), let issuer = claims["iss"]?.stringValue,
            let node = claims["sub"]?.stringValue, let id = claims["jti"]?.stringValue,
            let issued = Self.milliseconds(claims["iat"]), let expires = Self.milliseconds(claims["exp"]),
            let target = claims["qsh"]?.stringValue, let body = claims["bsh"]?.stringValue,
            (1...64).contains(id.utf8.count), (1...64).contains(node.utf8.count)
        else { throw .malformed("a claim is missing") }
        self.issuer = issuer
        self.node = node
        self.id = id
        self.target = target
        self.body = body
        issuedAt = issued
        // Whatever it says itself, it is not good for longer.
        expiresAt = min(expires, issued + Self.lifeMilliseconds)
        signed = Array("\(parts[0]).\(parts[1])".utf8)
        self.signature = signature
    }

    /// Until when it must be remembered that it was used, in milliseconds since 1970.
    package var rememberUntil: Int64 { expiresAt + Self.clockTolerance }

    /// Whether its body is bound to it.
    package var bindsBody: Bool { body != RequestDigest.streamed }

    /// Checks everything but whether it was used before.
    /// - Parameter now: By this machine's clock, in milliseconds since 1970.
    /// - Throws: ``TokenError``.
    package func check(_ digest: RequestDigest, publicKey: [UInt8], now: Int64) throws(TokenError) {
        guard SigningKey.isSigned(signed, signature, by: publicKey) else { throw .badSignature }
        guard target == digest.target, body == digest.body else { throw .otherRequest }
        guard issuedAt - now <= Self.clockTolerance else { throw .clock(difference: issuedAt - now) }
        guard now - expiresAt <= Self.clockTolerance else {
            throw .clock(difference: issuedAt - now)
        }
    }

    private static func milliseconds(_ claim: PortableValue?) -> Int64? {
        guard let seconds = claim?.doubleValue, seconds >= 0, seconds < 1e11 else { return nil }
        return Int64(seconds * 1000)
    }
}

/// Why a token is not accepted.
package enum TokenError: Error, Sendable, Hashable, CustomStringConvertible {
    /// It is no token.
    case malformed(String)
    /// Nobody of this name is accepted here.
    case unknownIssuer(String)
    /// Somebody else signed it, or it was changed.
    case badSignature
    /// It was made for another method, path, query or body.
    case otherRequest
    /// Its time is not now: the clocks differ, or it is old. Signer's clock minus this one's, in
    /// milliseconds.
    case clock(difference: Int64)
    /// It has been used before.
    case replayed

    package var description: String {
        switch self {
        case .malformed(let why): "the token cannot be read: \(why)"
        case .unknownIssuer(let name): "nobody named \(name.prefix(40)) is accepted here"
        case .badSignature: "the token's signature is wrong"
        case .otherRequest: "the token was made for another request"
        case .clock(let difference):
            "request time differs from this server by \(abs(difference) / 1000) s (limit "
                + "\(RequestToken.clockTolerance / 1000) s). Check NTP on both"
        case .replayed: "the token was used before"
        }
    }
}
