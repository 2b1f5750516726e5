import NIOCore
import Synchronization

/// A body in pieces, each taken when it is asked for, by one reader.
final class BodyPieces: Sendable {
    private let first: Mutex<ByteBuffer?>
    private let rest: Mutex<BodySource?>

    /// - Parameter first: What was read already.
    init(_ first: ByteBuffer, _ rest: BodySource) {
        self.first = Mutex(first.readableBytes > 0 ? first : nil)
        self.rest = Mutex(rest)
    }

    /// The next piece; nil at the end.
    func next() async throws -> ByteBuffer? {
        let begin = first.withLock { first in
            defer { first = nil }
            return first
        }
        if let begin { return begin }
        let source = rest.withLock { rest in
            defer { rest = nil }
            return rest
        }
        guard var iterator = source?.take() else { return nil }
        guard let piece = try await iterator.next() else { return nil }
        let remaining = BodySource(rest: iterator)
        rest.withLock { $0 = remaining }
        return piece
    }
}
