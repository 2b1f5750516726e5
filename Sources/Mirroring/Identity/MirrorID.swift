internal import Crypto

/// Which mirror: a farm of one or more nodes. It follows from the farm's public key, so that nobody can take
/// the id of another.
///
/// - Source: "Set up and configure a mirror farm": the id that administrators compare.
package struct MirrorID: Sendable, Hashable, CustomStringConvertible {
    /// Four groups of four: `B0F5-CS21-45C2-CCK3`.
    package let rawValue: String

    /// The same as ``rawValue``.
    package var description: String { rawValue }

    /// Digits and letters without I, L, O and U, which people mistake for others.
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    /// Reads an id, in either case; `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        let text = text.uppercased()
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        guard groups.count == 4,
            groups.allSatisfy({ $0.utf8.count == 4 && $0.utf8.allSatisfy(Self.alphabet.contains) })
        else { return nil }
        rawValue = text
    }

    /// The id of whoever holds the private half of a key.
    /// - Parameter publicKey: 32 bytes.
    package init(publicKey: [UInt8]) {
        var text: [UInt8] = []
        var buffer: UInt32 = 0
        var bits: UInt32 = 0
        for byte in SHA256.hash(data: publicKey).prefix(10) {
            buffer = (buffer << 8 | UInt32(byte)) & 0xFFFF
            bits += 8
            while bits >= 5 {
                bits -= 5
                if text.count % 5 == 4 { text.append(UInt8(ascii: "-")) }
                text.append(Self.alphabet[Int(buffer >> bits & 0x1F)])
            }
        }
        rawValue = String(decoding: text, as: UTF8.self)
    }
}
