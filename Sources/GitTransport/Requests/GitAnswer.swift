import GitStore
import HTTPServing
import HTTPTypes
import Hummingbird
import NIOCore

/// Answers and parts of answers in git's wire format.
enum GitAnswer {
    /// Nothing of git's may be cached by proxies: the same request has another answer a moment later.
    static func headers(_ contentType: String) -> HTTPFields {
        [
            .contentType: contentType, .cacheControl: "no-cache, max-age=0, must-revalidate",
            .pragma: "no-cache",
            .expires: "Fri, 01 Jan 1980 00:00:00 GMT",
        ]
    }

    /// A whole answer that is in memory already.
    static func complete(_ contentType: String, _ body: ByteBuffer) -> Response {
        Response(status: .ok, headers: headers(contentType), body: ResponseBody(byteBuffer: body))
    }

    /// The line before an advertisement of protocol v0 and v1.
    static func serviceLine(_ service: GitService) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writePktLine("# service=\(service.rawValue)\n")
        buffer.writePktLine(.flush)
        return buffer
    }

    /// The packet that ends a conversation; git shows `fatal: remote error: ` and the sentence.
    static func error(_ sentence: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writePktLine("ERR " + String(sentence.prefix(1000)))
        return buffer
    }

    /// The end of a push that has no report to show.
    static func pushError(_ sentence: String, for client: PushCapabilities) -> ByteBuffer {
        guard client.hasSideBand else { return error(sentence) }
        var buffer = ByteBuffer()
        buffer.writePktLine("\u{3}" + String(sentence.prefix(900)))
        buffer.writePktLine(.flush)
        return buffer
    }
}
