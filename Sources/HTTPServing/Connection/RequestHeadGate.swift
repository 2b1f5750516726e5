import HTTPTypes
import NIOCore
import NIOHTTP1
import Portable

/// Checks each request head as it comes from the decoder, and brings it into the form that the later
/// handlers know.
///
/// `Content-Encoding: x-gzip` becomes `gzip`, `identity` goes; a connection that is not to be kept gets the
/// one
/// spelling `Connection: close`.
final class RequestHeadGate: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private let limits: HTTPServingConfiguration

    init(limits: HTTPServingConfiguration) {
        self.limits = limits
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = Self.unwrapInboundIn(data) else {
            context.fireChannelRead(data)
            return
        }
        if let refusal = check(&head) {
            context.fireErrorCaught(refusal)
            return
        }
        context.fireChannelRead(Self.wrapInboundOut(.head(head)))
    }

    private func check(_ head: inout HTTPRequestHead) -> ConnectionRefusal? {
        if head.uri.utf8.count > limits.urlBytesMax {
            return ConnectionRefusal(
                .uriTooLong, "The request target exceeds \(limits.urlBytesMax) bytes. Shorten the URL.")
        }
        if let name = head.headers.first(where: { $0.value.utf8.count > limits.headerFieldBytesMax })?.name {
            return ConnectionRefusal(
                .requestHeaderFieldsTooLarge,
                "The header field \(name.prefix(64)) exceeds \(limits.headerFieldBytesMax) bytes. Shorten it."
            )
        }
        guard head.uri.isStreamSafe, head.headers.allSatisfy({ $0.value.isStreamSafe }) else {
            return ConnectionRefusal(
                .badRequest, "The request's head has \(StreamSafe.problem). Leave them out.")
        }
        let transfers = head.headers[canonicalForm: "Transfer-Encoding"].map { $0.lowercased() }
        guard transfers.isEmpty || transfers == ["chunked"] else {
            return ConnectionRefusal(
                .notImplemented, "The only transfer encoding that is understood is chunked. Use it alone.")
        }
        if !head.isKeepAlive { head.headers.replaceOrAdd(name: "Connection", value: "close") }
        let encodings = head.headers[canonicalForm: "Content-Encoding"].map { $0.lowercased() }
        switch encodings {
        case []: break
        case ["identity"]: head.headers.remove(name: "Content-Encoding")
        case ["gzip"], ["deflate"]: break
        case ["x-gzip"]: head.headers.replaceOrAdd(name: "Content-Encoding", value: "gzip")
        default:
            return ConnectionRefusal(
                .unsupportedMediaType,
                "Only the content encodings gzip and deflate are understood. Use one of them or none.")
        }
        return nil
    }
}
