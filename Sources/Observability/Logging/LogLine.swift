import Logging

/// The form of a log line: `2026-11-21T02:25:56.123Z INFO  perigee.git message key=value "key 2"="value 2"`.
///
/// Exactly one line whatever the texts hold: whoever chooses a repository's name cannot forge another line,
/// move a terminal's cursor, or turn the direction of writing.
enum LogLine {
    /// Longer messages and values are cut, saying how much is left out.
    static let textBytesMax = 8 * 1024

    static func bytes(
        time: LogTime, level: Logger.Level, label: String, message: String, metadata: Logger.Metadata
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(160)
        time.append(to: &bytes)
        let name = level.name
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: max(1, 6 - name.utf8.count)))
        append(label, quoting: false, to: &bytes)
        bytes.append(UInt8(ascii: " "))
        append(message, quoting: false, to: &bytes)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            bytes.append(UInt8(ascii: " "))
            append(key, quoting: needsQuotes(key), to: &bytes)
            bytes.append(UInt8(ascii: "="))
            let text = value.description
            append(text, quoting: needsQuotes(text), to: &bytes)
        }
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    private static func needsQuotes(_ text: String) -> Bool {
        text.isEmpty
            || text.utf8.contains { byte in
                byte <= 0x20 || byte == 0x7f || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "=")
                    || byte == UInt8(ascii: "\\")
            }
    }

    private static func append(_ text: String, quoting: Bool, to bytes: inout [UInt8]) {
        if quoting { bytes.append(UInt8(ascii: "\"")) }
        let length = text.utf8.count
        var taken = 0
        for scalar in text.unicodeScalars {
            let width = UTF8.width(scalar)
            guard taken + width <= textBytesMax else { break }
            taken += width
            append(scalar, quoting: quoting, to: &bytes)
        }
        if taken < length { bytes.append(contentsOf: "...(\(length - taken) bytes more)".utf8) }
        if quoting { bytes.append(UInt8(ascii: "\"")) }
    }

    private static func append(_ scalar: Unicode.Scalar, quoting: Bool, to bytes: inout [UInt8]) {
        switch scalar {
        case "\n": bytes.append(contentsOf: "\\n".utf8)
        case "\r": bytes.append(contentsOf: "\\r".utf8)
        case "\t": bytes.append(contentsOf: "\\t".utf8)
        case "\"" where quoting, "\\" where quoting:
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(UInt8(truncatingIfNeeded: scalar.value))
        case _ where isUnsafe(scalar):
            bytes.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".utf8)
        default:
            bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
    }

    /// Control characters of both sets, line and paragraph separators, and what turns the direction of
    /// writing.
    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x2028, 0x2029, 0x200e, 0x200f, 0x202a...0x202e, 0x2066...0x2069, 0xfeff:
            true
        default: false
        }
    }
}
