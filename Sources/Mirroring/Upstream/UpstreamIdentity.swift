internal import SharedDatabase

/// Who an upstream is: the same on all its nodes, made when the first one starts.
package struct UpstreamIdentity: Sendable {
    /// Like a UUID.
    package let id: String
    /// By which its requests to mirrors are signed.
    package let key: SigningKey

    /// The half of the key that mirrors are told, in base64url.
    package var publicKeyText: String { key.publicKey.base64URL }

    /// Reads it, or makes it.
    static func load(_ tables: MirrorDatabase) async throws -> UpstreamIdentity {
        let made = SigningKey()
        return try await tables.write { transaction in
            try transaction.execute(
                """
                INSERT INTO mirroring_identity (id, upstream_id, private_key) VALUES (1, ?, ?)
                ON CONFLICT (id) DO NOTHING
                """, [.text(newID()), .blob(made.bytes)])
            let row = try transaction.firstRow(
                "SELECT upstream_id, private_key FROM mirroring_identity WHERE id = 1")
            guard let row, let key = SigningKey(bytes: try row.blob("private_key")) else {
                throw MirroringError.unavailable(reason: "mirroring_identity holds no key")
            }
            return UpstreamIdentity(id: try row.text("upstream_id"), key: key)
        }
    }

    private static func newID() -> String {
        var generator = SystemRandomNumberGenerator()
        let digits = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }.hexadecimal
        var groups: [Substring] = []
        var rest = Substring(digits)
        for length in [8, 4, 4, 4, 12] {
            groups.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return groups.joined(separator: "-")
    }
}
