import NIOCore

/// What git's hook, the program `perigee-hook`, says to the node.
///
/// The frame, which is described here and at the top of the program; every number is an unsigned 32-bit
/// big-endian one:
/// ```
/// request: "PGH1"
///          length, secret          of the push, from the environment
///          length, hook name       such as "pre-receive"
///          length, quarantine path empty if there is none
///          count, then per push option: length, option
///          length, standard input  of the hook
/// reply:   exit code               one byte
///          length, text            for standard error, which the git client shows
/// ```
struct HookRequest: Sendable, Equatable {
    var secret: String
    var hook: String
    var quarantine: String
    var options: [String]
    var input: ByteBuffer

    /// The whole request, in bytes; the hook refuses a longer standard input itself.
    static let bytesMax = 64 * 1024 * 1024 + 1024 * 1024
    private static let textBytesMax = 64 * 1024
    private static let optionsMax = 1000

    /// Reads a request from the bytes that have come so far.
    /// - Returns: nil while it is incomplete; `bytes` is left as it was then.
    /// - Throws: ``HookRequestError`` when it can never become one.
    static func parse(_ bytes: inout ByteBuffer) throws(HookRequestError) -> HookRequest? {
        var reader = bytes
        guard let magic = reader.readString(length: 4) else { return nil }
        guard magic == "PGH1" else { throw HookRequestError(reason: "the request does not begin with PGH1") }
        guard let secret = try text(&reader), let hook = try text(&reader),
            let quarantine = try text(&reader),
            let count = reader.readInteger(as: UInt32.self)
        else { return nil }
        guard count <= optionsMax else {
            throw HookRequestError(reason: "more than \(optionsMax) push options")
        }
        var options: [String] = []
        for _ in 0..<count {
            guard let option = try text(&reader) else { return nil }
            options.append(option)
        }
        guard let input = try field(&reader, limit: 64 * 1024 * 1024) else { return nil }
        bytes = reader
        return HookRequest(secret: secret, hook: hook, quarantine: quarantine, options: options, input: input)
    }

    private static func text(_ reader: inout ByteBuffer) throws(HookRequestError) -> String? {
        try field(&reader, limit: textBytesMax).map { String(buffer: $0) }
    }

    private static func field(_ reader: inout ByteBuffer, limit: Int) throws(HookRequestError) -> ByteBuffer?
    {
        guard let length = reader.readInteger(as: UInt32.self) else { return nil }
        guard length <= limit else { throw HookRequestError(reason: "a field is longer than \(limit) bytes") }
        return reader.readSlice(length: Int(length))
    }
}

/// Why bytes on the hook socket are no request.
struct HookRequestError: Error, CustomStringConvertible {
    let reason: String
    var description: String { reason }
}

/// What the node answers to a hook.
struct HookReply: Sendable, Equatable {
    /// 0 lets git go on.
    var exitCode: UInt8
    /// For people; empty or whole lines.
    var text: String

    static let accept = HookReply(exitCode: 0, text: "")

    /// A refusal whose text ends with a newline.
    static func refuse(_ text: String) -> HookReply {
        HookReply(exitCode: 1, text: text.hasSuffix("\n") ? text : text + "\n")
    }

    var bytes: ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(exitCode)
        buffer.writeInteger(UInt32(text.utf8.count))
        buffer.writeString(text)
        return buffer
    }
}
