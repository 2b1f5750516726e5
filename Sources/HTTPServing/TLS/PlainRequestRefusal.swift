import HTTPTypes
import NIOCore

/// Looks at the first byte of a connection with TLS: a plain HTTP request gets an answer in its own language,
/// rather than the end of the connection.
final class PlainRequestRefusal: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var isRefused = false
    private var readsLeft = 64
    private static let lingerTime: TimeAmount = .seconds(2)

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        let bytes = Self.unwrapInboundIn(data)
        guard let first = bytes.readableBytesView.first else { return }
        // A method is in capitals; a record of TLS begins with 22, a hello of its forerunners with 128.
        guard (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) else {
            context.fireChannelRead(data)
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
            return
        }
        isRefused = true
        context.write(Self.wrapOutboundOut(Self.answer(context.channel.allocator)), promise: nil)
        context.flush()
        // A socket that is closed over unread bytes is reset, and a reset can overtake the answer.
        context.close(mode: .output, promise: nil)
        let channel = context.channel
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.lingerTime) { channel.close(promise: nil) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard isRefused else { return context.fireChannelReadComplete() }
        readsLeft -= 1
        if readsLeft > 0 { context.read() } else { context.close(promise: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if isRefused, case ChannelEvent.inputClosed = event { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    private static func answer(_ allocator: ByteBufferAllocator) -> ByteBuffer {
        let (head, body) = RefusalAnswer.parts(
            ConnectionRefusal(.badRequest, "This port speaks HTTPS. Use a URL that begins with https://."))
        var buffer = allocator.buffer(capacity: 512)
        buffer.writeString("HTTP/1.1 \(head.status.code) \(head.status.reasonPhrase)\r\n")
        for field in head.headerFields {
            buffer.writeString("\(field.name.canonicalName): \(field.value)\r\n")
        }
        buffer.writeString("\r\n")
        buffer.writeImmutableBuffer(body)
        return buffer
    }
}
