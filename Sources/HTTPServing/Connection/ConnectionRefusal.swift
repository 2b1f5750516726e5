package import HTTPTypes
import NIOHTTP1
import NIOHTTPCompression
import NIOHTTPTypesHTTP1

/// Why a connection's bytes are not taken: what the pipeline answers before it closes.
package struct ConnectionRefusal: Error, CustomStringConvertible {
    /// The status of the answer.
    package var status: HTTPResponse.Status
    /// The sentence for the person at the other end.
    package var sentence: String

    /// A refusal that the pipeline itself decided on.
    init(_ status: HTTPResponse.Status, _ sentence: String) {
        self.status = status
        self.sentence = sentence
    }

    /// The clause for logs.
    package var description: String { "request refused with \(status.code): \(sentence)" }

    /// What to answer to an error of the decoder, the decompressor or the codec.
    /// - Returns: nil when nobody is left who could read an answer.
    init?(error: any Error, limits: HTTPServingConfiguration) {
        switch error {
        case let refusal as ConnectionRefusal: self = refusal
        case HTTPParserError.invalidEOFState: return nil
        case HTTPParserError.headerOverflow:
            self.init(
                .requestHeaderFieldsTooLarge,
                "The request line and header fields exceed \(limits.headerBytesMax) bytes or "
                    + "\(limits.headerCountMax) fields. Send fewer or shorter ones.")
        case HTTPParserError.invalidVersion:
            self.init(.httpVersionNotSupported, "This server speaks HTTP/1.1 and HTTP/1.0.")
        case is HTTPParserError, is HTTP1TypeConversionError:
            self.init(
                .badRequest,
                "The request is not valid HTTP/1.1 (\(error)). Check the client or proxy in between.")
        case NIOHTTPDecompression.DecompressionError.limit:
            self.init(.contentTooLarge, Self.inflationSentence(limits: limits))
        case is NIOHTTPDecompression.DecompressionError, is NIOHTTPDecompression.ExtraDecompressionError:
            self.init(
                .badRequest,
                "The request body is not valid compressed data for its Content-Encoding. "
                    + "Send it again, or uncompressed."
            )
        default: return nil
        }
    }

    /// The sentence for a compressed body that grows too much.
    static func inflationSentence(limits: HTTPServingConfiguration) -> String {
        "The compressed request body grows beyond \(limits.inflatedRatioMax) times its size or "
            + "\(limits.inflatedBytesMax) bytes. Send it uncompressed."
    }
}
