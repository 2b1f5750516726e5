internal import Crypto
internal import FoundationEssentials

/// An Ed25519 key by which a farm or an upstream proves who it is.
package struct SigningKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// A new key.
    package init() { key = Curve25519.Signing.PrivateKey() }

    /// The key of everybody who knows a secret.
    /// - Parameter secret: At least 128 random bits.
    package init(farmSecret secret: String) {
        let derived = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: Array(secret.utf8)), salt: Array("perigee mirror farm".utf8),
            outputByteCount: 32)
        let bytes = derived.withUnsafeBytes { Array($0) }
        // Any 32 bytes are a key of this kind.
        key =
            (try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes)) ?? Curve25519.Signing.PrivateKey()
    }

    /// A key that was kept; `nil` when the bytes are none.
    package init?(bytes: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes) else { return nil }
        self.key = key
    }

    /// The secret half, 32 bytes, to be kept.
    package var bytes: [UInt8] { Array(key.rawRepresentation) }
    /// The public half, 32 bytes.
    package var publicKey: [UInt8] { Array(key.publicKey.rawRepresentation) }

    func sign(_ message: [UInt8]) throws -> [UInt8] { Array(try key.signature(for: message)) }

    /// Whether the holder of the private half of a public key signed a message.
    static func isSigned(_ message: [UInt8], _ signature: [UInt8], by publicKey: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
        return key.isValidSignature(signature, for: message)
    }
}

extension [UInt8] {
    /// base64url without padding, as tokens have it. - Source: RFC 7515, section 2.
    var base64URL: String {
        Data(self).base64EncodedString().filter { $0 != "=" }.map { character -> Character in
            switch character {
            case "+": "-"
            case "/": "_"
            default: character
            }
        }.reduce(into: "") { $0.append($1) }
    }

    /// Reads base64url with or without padding; `nil` for anything else.
    package init?(base64URLText text: String) { self.init(base64URL: text) }

    /// Reads base64url with or without padding; `nil` for anything else.
    init?(base64URL text: some StringProtocol) {
        var plain = text.filter { $0 != "=" }.reduce(into: "") { result, character in
            switch character {
            case "-": result.append("+")
            case "_": result.append("/")
            default: result.append(character)
            }
        }
        plain += String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: plain) else { return nil }
        self = Array(data)
    }

    /// Lower-case hexadecimal digits.
    var hexadecimal: String {
        let digits = [UInt8]("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in self {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
