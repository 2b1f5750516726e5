import HummingbirdCore
import Logging
import NIOCore
import NIOSSL

/// A connection whose bytes go through TLS before anything else sees them.
struct TLSServingChannel: ServerChildChannel {
    let base: ServingChannel
    let tls: NIOSSLContext

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<ServingChannel.Value> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(PlainRequestRefusal())
            try pipeline.addHandler(NIOSSLServerHandler(context: tls))
        }.flatMap {
            base.setup(channel: channel, logger: logger)
        }
    }

    func handle(value: ServingChannel.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}
