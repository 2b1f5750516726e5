import GitStore
import NIOCore

extension ByteBuffer {
    /// Appends text that the git client shows as `remote:` lines.
    mutating func writeMessage(_ text: String) { writeBand(2, ByteBuffer(string: text)) }

    /// Appends bytes as packets of a side band: 1 for data, 2 for progress, 3 for the sentence of an end.
    /// - Source: gitprotocol-pack(5), "Packfile Data".
    mutating func writeBand(_ band: UInt8, _ content: ByteBuffer) {
        let partBytesMax = PktLine.payloadBytesMax - 1
        reserveCapacity(
            minimumWritableBytes: content.readableBytes + (content.readableBytes / partBytesMax + 1) * 5)
        var content = content
        while let part = content.readSlice(length: min(content.readableBytes, partBytesMax)),
            part.readableBytes > 0
        {
            writePktLineLength(payload: part.readableBytes + 1)
            writeInteger(band)
            writeImmutableBuffer(part)
        }
    }
}
