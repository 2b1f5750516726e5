import HTTPTypes
import Logging
import Metrics
import NIOCore

/// The answer to a request that never became one: no route, no user, but an id like every other.
enum RefusalAnswer {
    /// The head and the text of the answer; the refusal is logged and counted.
    static func parts(_ refusal: ConnectionRefusal) -> (HTTPResponse, ByteBuffer) {
        let id = RequestIDs.next()
        let body = ByteBuffer(string: refusal.sentence + "\n")
        var head = HTTPResponse(status: refusal.status)
        head.headerFields[.contentType] = "text/plain; charset=utf-8"
        head.headerFields[.contentLength] = String(body.readableBytes)
        head.headerFields[.connection] = "close"
        head.headerFields[.requestID] = id
        head.headerFields[.xContentTypeOptions] = "nosniff"
        Logger(label: "perigee.access").info(
            "request refused",
            metadata: [
                "request.id": "\(id)", "status": "\(refusal.status.code)", "reason": "\(refusal.sentence)",
            ])
        ServingMetrics.count(method: "-", status: refusal.status.code)
        return (head, body)
    }
}
