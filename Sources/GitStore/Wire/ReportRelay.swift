package import NIOCore

/// Passes on what `git receive-pack` says while holding back the report, so that nobody reads "ok" before it
/// is true.
///
/// With a side band, progress and messages (bands 2 and 3) go on at once; the report (band 1) and the end are
/// held. Without one, everything is held. Which it is shows in the first packet.
package struct ReportRelay: Sendable {
    /// The most that is held back, in bytes; a report of 200,000 refs is about half of it.
    package static let heldBytesMax = 64 * 1024 * 1024

    private enum Mode {
        case unknown
        case sideBand
        case plain
    }

    private var parser = PktLineParser()
    private var mode = Mode.unknown
    private var held = ByteBuffer()
    private var report = ByteBuffer()

    /// Makes a relay that has seen nothing.
    package init() {}

    /// Takes what the program said; any portions give the same bytes and report.
    /// - Returns: What may be sent to the client now; often empty.
    /// - Throws: ``GitStoreError/malformedPacket(reason:)`` when it is not git's format, or more than may be
    ///   held.
    package mutating func feed(_ bytes: ByteBuffer) throws(GitStoreError) -> ByteBuffer {
        parser.feed(bytes)
        var forward = ByteBuffer()
        while let packet = try parser.next() {
            if mode == .unknown { mode = Self.mode(startingWith: packet) }
            if mode == .sideBand, case .data(let payload) = packet {
                switch payload.getInteger(at: payload.readerIndex, as: UInt8.self) {
                case 1:
                    report.writeImmutableBuffer(
                        payload.getSlice(at: payload.readerIndex + 1, length: payload.readableBytes - 1)
                            ?? ByteBuffer())
                case 2, 3:
                    forward.writePktLine(packet)
                    continue
                default: throw .malformedPacket(reason: "a side band is 1, 2 or 3")
                }
            } else if mode == .plain {
                report.writePktLine(packet)
            }
            held.writePktLine(packet)
            guard held.readableBytes <= Self.heldBytesMax else {
                throw .malformedPacket(reason: "the report is larger than \(Self.heldBytesMax) bytes")
            }
        }
        return forward
    }

    /// Ends the relay when the program has said everything.
    /// - Returns: What is to be sent once the push is durable, and the report; nil when there is none, or
    ///   only a part.
    package mutating func finish() -> (held: ByteBuffer, report: PushReport?) {
        var rest = parser.takeRemainder()
        held.writeBuffer(&rest)
        defer { self = ReportRelay() }
        return (held, try? PushReport.parse(report))
    }

    private static func mode(startingWith packet: PktLine) -> Mode {
        guard case .data(let payload) = packet,
            let band = payload.getInteger(at: payload.readerIndex, as: UInt8.self), (1...3).contains(band)
        else { return .plain }
        return .sideBand
    }
}
