internal import Portable

/// Claims in the form of a JWT that is signed with EdDSA. The kind of statement is in its header, so that
/// none stands for one of another kind that the same key signs.
///
/// - Source: RFC 7515, section 3.1; RFC 8037, section 3.1.
enum SignedClaims {
    /// The longest text that is read.
    static let bytesMax = 2_000

    /// The text.
    static func sign(_ claims: PortableValue, kind: StaticString, _ key: SigningKey) throws -> String {
        let message = "\(header(kind).base64URL).\(try JSON.encode(claims).base64URL)"
        return "\(message).\(try key.sign(Array(message.utf8)).base64URL)"
    }

    /// The claims of a text of this kind that was signed by a key; nil for anything else.
    static func read(_ text: String, kind: StaticString, publicKey: [UInt8]) -> PortableValue? {
        guard text.utf8.count <= bytesMax else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, [UInt8](base64URL: parts[0]) == header(kind),
            let payload = [UInt8](base64URL: parts[1]), let signature = [UInt8](base64URL: parts[2]),
            SigningKey.isSigned(Array("\(parts[0]).\(parts[1])".utf8), signature, by: publicKey)
        else { return nil }
        return try? JSON.decode(payload)
    }

    private static func header(_ kind: StaticString) -> [UInt8] {
        Array("{\"alg\":\"EdDSA\",\"typ\":\"\(kind)\"}".utf8)
    }
}
