internal import Crypto
internal import FoundationEssentials

/// A public SSH key as people paste it: `ssh-ed25519 AAAA... comment`.
///
/// - Source: RFC 4253, section 6.6; RFC 5656; OpenSSH's PROTOCOL.u2f.
package struct SSHPublicKey: Sendable, Hashable {
    /// Its kind, such as `ssh-ed25519`.
    package let algorithm: String
    /// Its size in bits.
    package let bitLength: Int
    /// Kind and base64, without the comment.
    package let text: String
    /// What followed the key; nil for nothing.
    package let comment: String?
    /// `SHA256:` and 43 digits of base64, as `ssh-keygen -l` prints it.
    package let fingerprint: String

    /// The shortest RSA key that is taken: the protocol's library answers shorter ones with silence.
    package static let rsaBitsMin = 2048
    /// The longest RSA key, as far as OpenSSL goes.
    package static let rsaBitsMax = 16_384
    private static let textBytesMax = 16 * 1024

    /// Reads a key.
    /// - Throws: ``HostingError/invalid(field:message:)`` for `text`, with the reason.
    package init(_ text: String) throws(HostingError) {
        guard text.utf8.count <= Self.textBytesMax else { throw Self.invalid("is too long") }
        let words = text.split(maxSplits: 2) { $0 == " " || $0 == "\t" || $0.isNewline }
        guard words.count >= 2, !text.contains("PRIVATE KEY") else {
            throw Self.invalid(
                text.contains("PRIVATE KEY")
                    ? "is the private half, which is nobody else's business"
                    : "is not of the form \"ssh-ed25519 AAAA... comment\"")
        }
        let name = String(words[0])
        guard let data = Data(base64Encoded: String(words[1])) else { throw Self.invalid("is no base64") }
        var blob = SSHBlob(bytes: Array(data))
        guard blob.text() == name else { throw Self.invalid("says one kind and holds another") }
        bitLength = try Self.bits(of: name, in: &blob)
        guard blob.isAtEnd else { throw Self.invalid("has bytes after its end") }
        algorithm = name
        self.text = "\(name) \(words[1])"
        let rest = words.count > 2 ? words[2].split(whereSeparator: \.isNewline).first : nil
        comment = rest.map { String($0.prefix(255)) }
        var hash = Data(SHA256.hash(data: data)).base64EncodedString()
        while hash.hasSuffix("=") { hash.removeLast() }
        fingerprint = "SHA256:" + hash
    }

    private static func bits(of name: String, in blob: inout SSHBlob) throws(HostingError) -> Int {
        switch name {
        case "ssh-ed25519", "sk-ssh-ed25519@openssh.com":
            guard blob.field()?.count == 32, name == "ssh-ed25519" || blob.field() != nil else { break }
            return 256
        case "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
            "sk-ecdsa-sha2-nistp256@openssh.com":
            let curve = name.hasPrefix("sk-") ? "nistp256" : String(name.suffix(8))
            guard blob.text() == curve, let point = blob.field(), point.first == 4,
                !name.hasPrefix("sk-") || blob.field() != nil
            else { break }
            let bits = Int(curve.suffix(3)) ?? 0
            guard point.count == 1 + 2 * ((bits + 7) / 8) else { break }
            return bits
        case "ssh-rsa":
            guard blob.field()?.isEmpty == false, let modulus = blob.field() else { break }
            let digits = modulus.drop { $0 == 0 }
            let bits = (digits.first.map { digits.count * 8 - $0.leadingZeroBitCount }) ?? 0
            guard bits >= rsaBitsMin else {
                throw invalid("is an RSA key of \(bits) bits; at least \(rsaBitsMin) are needed")
            }
            guard bits <= rsaBitsMax else {
                throw invalid("is an RSA key of \(bits) bits; at most \(rsaBitsMax) can be used")
            }
            return bits
        case "ssh-dss": throw invalid("is a DSA key, which is no longer safe")
        default:
            throw invalid(
                name.contains("-cert-")
                    ? "is a certificate; register the key itself" : "is of a kind that is not supported")
        }
        throw invalid("is broken")
    }

    private static func invalid(_ problem: String) -> HostingError {
        .invalid(
            field: "text",
            message: "The SSH key \(problem). Give a public key of the kind ed25519, ecdsa or rsa.")
    }
}

/// The fields of a key: each a length of four bytes and so many bytes.
private struct SSHBlob {
    private var rest: ArraySlice<UInt8>

    init(bytes: [UInt8]) {
        rest = bytes[...]
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func field() -> ArraySlice<UInt8>? {
        guard rest.count >= 4 else { return nil }
        let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        let tail = rest.dropFirst(4)
        guard length <= tail.count else { return nil }
        rest = tail.dropFirst(length)
        return tail.prefix(length)
    }

    mutating func text() -> String? { field().flatMap { String(validating: $0, as: UTF8.self) } }
}
