import GitStore
import NIOCore

/// The client's packets, which stay at hand as bytes to be given to git whole.
struct SSHPackets {
    private let exchange: SSHExchange
    private var parser = PktLineParser()
    /// Everything read since the last ``forget()``, whole packets and not.
    private(set) var bytes = ByteBuffer()
    private var packetBytes = 0

    init(_ exchange: SSHExchange) {
        self.exchange = exchange
    }

    /// The next packet; nil at the end of the client's bytes, where they are not git's format, and where one
    /// message is longer than `bytesMax`.
    mutating func next(bytesMax: Int) async throws -> PktLine? {
        while packetBytes <= bytesMax {
            do {
                if let packet = try parser.next() {
                    packetBytes += packet.byteCount
                    return packet
                }
            } catch {
                return nil  // git itself will say so
            }
            guard let part = try await exchange.read() else { return nil }
            bytes.writeImmutableBuffer(part)
            parser.feed(part)
        }
        return nil
    }

    /// The whole packets that were read since the last ``forget()``.
    var whole: ByteBuffer {
        bytes.getSlice(at: bytes.readerIndex, length: min(packetBytes, bytes.readableBytes)) ?? bytes
    }

    /// Drops the packets that were read; what follows them stays.
    mutating func forget() {
        bytes.moveReaderIndex(forwardBy: min(packetBytes, bytes.readableBytes))
        bytes.discardReadBytes()
        packetBytes = 0
    }
}

extension PktLine {
    /// How long it is on the wire.
    fileprivate var byteCount: Int {
        switch self {
        case .data(let payload): payload.readableBytes + 4
        case .flush, .delimiter, .responseEnd: 4
        }
    }
}
