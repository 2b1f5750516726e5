import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPCompression
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Builds the pipeline of one connection.
///
/// ```
/// decoder (limits) -> RequestHeadGate -> decompressor -> codec to shared types -> ConnectionGuard -> async
/// channel
/// ```
struct ServingChannel: ServerChildChannel, HTTPChannelHandler {
    /// One connection: its parts, and whether its client is still there.
    struct Value: ServerChildChannelValue {
        let parts: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
        let presence: ClientPresence
        var channel: any Channel { parts.channel }
    }

    let responder: HTTPChannelHandler.Responder
    let configuration: HTTPServingConfiguration

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let presence = ClientPresence()
            var limits = NIOHTTPDecoderLimitConfiguration()
            limits.maxHeaderFieldSize = configuration.headerBytesMax
            limits.maxHeaderListSize = configuration.headerBytesMax
            limits.maxHeaderFieldCount = configuration.headerCountMax
            let pipeline = channel.pipeline.syncOperations
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false,  // the async channel takes one request after the other
                withErrorHandling: false,  // ConnectionGuard answers errors
                withOutboundHeaderValidation: false,  // HTTPTypes validates fields
                withEncoderConfiguration: .init(), withDecoderLimitConfiguration: limits)
            try pipeline.addHandlers([
                RequestHeadGate(limits: configuration),
                NIOHTTPRequestDecompressor(limit: .ratio(configuration.inflatedRatioMax)),
                HTTP1ToHTTPServerCodec(secure: configuration.tls != nil),
                ConnectionGuard(limits: configuration, presence: presence),
            ])
            let parts = try NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>(
                wrappingChannelSynchronously: channel,
                configuration: .init(isOutboundHalfClosureEnabled: true))
            return Value(parts: parts, presence: presence)
        }
    }

    func handle(value: Value, logger: Logger) async {
        await ClientPresence.$current.withValue(value.presence) {
            await withTaskExecutorPreference(EventLoopExecutor(value.channel.eventLoop)) {
                await handleHTTP(asyncChannel: value.parts, logger: logger)
            }
        }
    }
}
