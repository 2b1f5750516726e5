package import NIOCore

/// Cuts bytes that arrive in any portions into packets.
///
/// Strict: a length that is no four hexadecimal digits, is 3, or is above 65,520 ends the parse for good.
package struct PktLineParser: Sendable {
    private var pending = ByteBuffer()
    private var failure: GitStoreError?

    /// Makes a parser that has seen nothing.
    package init() {}

    /// How many bytes wait for the rest of their packet.
    package var pendingBytes: Int { pending.readableBytes }

    /// Adds what arrived.
    package mutating func feed(_ bytes: ByteBuffer) {
        if pending.readableBytes == 0 {
            pending = bytes
        } else {
            pending.discardReadBytes()
            pending.writeImmutableBuffer(bytes)
        }
    }

    /// Takes the next whole packet; nil when more bytes are needed.
    /// - Throws: ``GitStoreError/malformedPacket(reason:)``, and the same again on every later call.
    package mutating func next() throws(GitStoreError) -> PktLine? {
        if let failure { throw failure }
        guard let header = pending.getBytes(at: pending.readerIndex, length: 4) else { return nil }
        var length = 0
        for byte in header {
            guard let digit = Self.digit(byte) else { throw fail("the length is no hexadecimal number") }
            length = length << 4 | digit
        }
        switch length {
        case 0, 1, 2:
            pending.moveReaderIndex(forwardBy: 4)
            return length == 0 ? .flush : length == 1 ? .delimiter : .responseEnd
        case 3: throw fail("the length 3 is not allowed")
        case 4...(PktLine.payloadBytesMax + 4):
            guard pending.readableBytes >= length else { return nil }
            pending.moveReaderIndex(forwardBy: 4)
            return pending.readSlice(length: length - 4).map(PktLine.data)
        default: throw fail("the length \(length) is above \(PktLine.payloadBytesMax + 4)")
        }
    }

    /// Takes the bytes that no packet has been made of.
    package mutating func takeRemainder() -> ByteBuffer {
        defer { pending = ByteBuffer() }
        return pending.slice()
    }

    private mutating func fail(_ reason: String) -> GitStoreError {
        let error = GitStoreError.malformedPacket(reason: reason)
        failure = error
        return error
    }

    private static func digit(_ byte: UInt8) -> Int? {
        switch byte {
        case 0x30...0x39: Int(byte) - 0x30
        case 0x61...0x66: Int(byte) - 0x57
        case 0x41...0x46: Int(byte) - 0x37
        default: nil
        }
    }
}
