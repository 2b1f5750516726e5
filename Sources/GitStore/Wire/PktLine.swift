package import NIOCore

/// One packet of git's wire format: four hexadecimal digits of length, then the payload.
/// - Source: gitprotocol-common(5), "pkt-line Format".
package enum PktLine: Sendable, Hashable {
    /// A payload of 0 to 65,516 bytes.
    case data(ByteBuffer)
    /// `0000`: the end of a message or section.
    case flush
    /// `0001`: the border between sections of a protocol v2 message.
    case delimiter
    /// `0002`: the end of a protocol v2 answer over a stateless connection.
    case responseEnd

    /// The largest payload of one packet, in bytes.
    package static let payloadBytesMax = 65_516
}

extension ByteBuffer {
    /// Appends a packet; a payload larger than ``PktLine/payloadBytesMax`` is a programmer's error.
    package mutating func writePktLine(_ packet: PktLine) {
        switch packet {
        case .flush: writeString("0000")
        case .delimiter: writeString("0001")
        case .responseEnd: writeString("0002")
        case .data(var payload):
            writePktLineLength(payload: payload.readableBytes)
            writeBuffer(&payload)
        }
    }

    /// Appends one data packet that holds the text as it is; no newline is added.
    package mutating func writePktLine(_ text: String) {
        writePktLineLength(payload: text.utf8.count)
        writeString(text)
    }

    /// Appends the four digits that precede a payload of so many bytes; more than ``PktLine/payloadBytesMax``
    /// is a programmer's error.
    package mutating func writePktLineLength(payload: Int) {
        precondition((0...PktLine.payloadBytesMax).contains(payload), "a pkt-line holds at most 65,516 bytes")
        let length = payload + 4
        for shift in stride(from: 12, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: (length >> shift) & 0xF)
            writeInteger(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
    }
}
