internal import Crypto
internal import FoundationEssentials

/// The Ed25519 key by which the nodes of a farm log in at their upstream over SSH. It follows from the farm's
/// secret, so that each node has the same; and it is another one than the one that signs requests, so that
/// neither can be used in the place of the other.
struct SSHIdentity: Sendable {
    private static let kind = "ssh-ed25519"
    private static let lineLength = 70
    private let key: Curve25519.Signing.PrivateKey

    init(farmSecret secret: String) {
        let derived = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: Array(secret.utf8)),
            salt: Array("perigee mirror farm ssh".utf8), outputByteCount: 32)
        let bytes = derived.withUnsafeBytes { Array($0) }
        // Any 32 bytes are a key of this kind.
        key =
            (try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes)) ?? Curve25519.Signing.PrivateKey()
    }

    /// As `authorized_keys` has it, without a comment.
    var publicText: String { "\(Self.kind) \(Data(publicBlob).base64EncodedString())" }

    /// The private key as OpenSSH writes it, without a passphrase.
    /// - Source: OpenSSH's PROTOCOL.key.
    var privateText: String {
        let publicKey = Array(key.publicKey.rawRepresentation)
        // Two equal numbers, by which a reader of an encrypted key sees that the passphrase was right.
        var secret: [UInt8] = [UInt8](repeating: 0, count: 8)
        secret += Self.field(Array(Self.kind.utf8)) + Self.field(publicKey)
        secret += Self.field(Array(key.rawRepresentation) + publicKey) + Self.field(Array("perigee".utf8))
        var padding: UInt8 = 0
        while !secret.count.isMultiple(of: 8) {
            padding += 1
            secret.append(padding)
        }
        var bytes = Array("openssh-key-v1\0".utf8)
        for text in ["none", "none", ""] { bytes += Self.field(Array(text.utf8)) }
        bytes += [0, 0, 0, 1] + Self.field(publicBlob) + Self.field(secret)
        var rest = Data(bytes).base64EncodedString()[...]
        var lines = ["-----BEGIN OPENSSH PRIVATE KEY-----"]
        while !rest.isEmpty {
            lines.append(String(rest.prefix(Self.lineLength)))
            rest = rest.dropFirst(Self.lineLength)
        }
        return (lines + ["-----END OPENSSH PRIVATE KEY-----", ""]).joined(separator: "\n")
    }

    private var publicBlob: [UInt8] {
        Self.field(Array(Self.kind.utf8)) + Self.field(Array(key.publicKey.rawRepresentation))
    }

    private static func field(_ bytes: [UInt8]) -> [UInt8] {
        let count = UInt32(clamping: bytes.count)
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> UInt32($0)) } + bytes
    }
}

extension FarmIdentity {
    /// How the farm logs in over SSH.
    var ssh: SSHIdentity { SSHIdentity(farmSecret: secret) }
    /// The public half of the key by which the farm logs in over SSH, as `authorized_keys` has it.
    package var sshPublicKey: String { ssh.publicText }
}
