package import NIOCore

/// The upstream cannot make a pack, such as when objects of the repository are broken.
package struct PackFailure: Error, Sendable, CustomStringConvertible {
    let reason: String

    private static let sign = "ERR "
    private static let reasonMax = 1_000

    package var description: String { "the pack could not be made: \(reason)" }

    /// What a mirror is sent instead of a pack.
    package var pack: ByteBuffer { ByteBuffer(string: Self.sign + reason.prefix(Self.reasonMax)) }

    init(reason: String) { self.reason = reason }

    /// Reads what ``pack`` wrote; nil for a pack.
    init?(_ pack: ByteBuffer) {
        guard pack.readableBytes <= 4 * Self.reasonMax + Self.sign.utf8.count else { return nil }
        let text = String(buffer: pack)
        guard text.hasPrefix(Self.sign) else { return nil }
        reason = String(text.dropFirst(Self.sign.count))
    }
}
