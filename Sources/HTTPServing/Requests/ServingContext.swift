package import Hosting
package import Hummingbird
import Logging
package import NIOCore

/// What is known of one request beside its head and body.
package struct ServingContext: RequestContext {
    /// What the router keeps: logger and path parameters.
    package var coreContext: CoreRequestContextStorage
    /// The id that the answer and every log line of this request carry.
    package let requestID: String
    /// Who asks; anonymous until the credentials were checked.
    package var principal: Principal = .anonymous
    /// The address of the peer (a proxy's, if there is one), or nil for a socket without one.
    package let remoteAddress: String?
    /// Whether the client of this request is still there.
    package let presence: ClientPresence
    /// The connection that the request came by.
    package let channel: any Channel

    /// The context of a request that was just read from `source`'s connection.
    package init(source: ApplicationRequestContextSource) {
        let requestID = RequestIDs.next()
        coreContext = CoreRequestContextStorage(source: source)
        self.requestID = requestID
        channel = source.channel
        remoteAddress = source.channel.remoteAddress?.ipAddress
        presence = ClientPresence.current ?? ClientPresence()
        logger[metadataKey: "hb.request.id"] = nil
        logger[metadataKey: "request.id"] = "\(requestID)"
    }

    /// The same id, under the router's name for it.
    package var id: String { requestID }
}
