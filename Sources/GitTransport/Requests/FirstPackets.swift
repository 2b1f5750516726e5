import GitStore
import Hummingbird
import NIOCore

/// The beginning of a request body, read far enough to know what it asks for.
struct FirstPackets: Sendable {
    /// Everything that was read, to be given to git before the rest.
    private(set) var bytes: ByteBuffer
    /// The whole packets at the beginning of ``bytes``.
    let packets: [PktLine]
    /// Whether the body ended while it was read.
    private(set) var isComplete: Bool

    /// Reads packets until `isEnough` says so, the body ends, it stops being git's format, or `bytesMax` is
    /// passed.
    static func read(
        _ iterator: inout RequestBody.AsyncIterator, bytesMax: Int, until isEnough: ([PktLine]) -> Bool
    ) async throws -> FirstPackets {
        var bytes = ByteBuffer()
        var packets: [PktLine] = []
        var parser = PktLineParser()
        while bytes.readableBytes <= bytesMax {
            guard let part = try await iterator.next() else {
                return FirstPackets(bytes: bytes, packets: packets, isComplete: true)
            }
            bytes.writeImmutableBuffer(part)
            parser.feed(part)
            do {
                while let packet = try parser.next() {
                    packets.append(packet)
                    if isEnough(packets) {
                        return FirstPackets(bytes: bytes, packets: packets, isComplete: false)
                    }
                }
            } catch {
                break  // not git's format: git itself will say so
            }
        }
        return FirstPackets(bytes: bytes, packets: packets, isComplete: false)
    }

    /// Reads on until there are so many bytes, or the body ends.
    mutating func read(_ iterator: inout RequestBody.AsyncIterator, atLeast count: Int) async throws {
        while bytes.readableBytes < count, !isComplete {
            if let part = try await iterator.next() {
                bytes.writeImmutableBuffer(part)
            } else {
                isComplete = true
            }
        }
    }

    /// Whether the client only tries its credentials: git sends one flush packet before a large body.
    var isProbe: Bool { packets.first == .flush || (isComplete && bytes.readableBytes == 0) }
}
