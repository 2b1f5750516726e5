import NIOCore
import Synchronization

/// The end of what a process says on its standard error; the rest is read and dropped.
final class StandardErrorTail: Sendable {
    /// How much is kept, in bytes.
    static let bytesMax = 64 * 1024

    private let kept = Mutex<[UInt8]>([])

    /// What is kept, with bytes that are no UTF-8 replaced.
    var text: String { kept.withLock { String(decoding: $0.suffix(Self.bytesMax), as: UTF8.self) } }

    /// Adds what arrived.
    func append(_ bytes: ByteBufferView) {
        kept.withLock { kept in
            kept.append(contentsOf: bytes)
            // Cut only at twice the size, so that a flood costs one copy per 64 KiB.
            if kept.count > 2 * Self.bytesMax { kept.removeFirst(kept.count - Self.bytesMax) }
        }
    }
}

/// The channel's side of a ``StandardErrorTail``.
final class StandardErrorHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let tail: StandardErrorTail

    init(tail: StandardErrorTail) {
        self.tail = tail
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        tail.append(unwrapInboundIn(data).readableBytesView)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
