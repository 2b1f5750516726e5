import NIOCore
package import Portable

/// What is wanted of a server, and what is here already.
package struct PackRequest: Sendable, Hashable {
    /// With all that they need, but for what the ``haves`` bring along.
    package var wants: [ObjectID]
    /// Those that the server does not have do not matter.
    package var haves: [ObjectID]

    /// Names both.
    package init(wants: [ObjectID], haves: [ObjectID]) {
        self.wants = wants
        self.haves = haves
    }

    /// As `git upload-pack` reads it. Both lists are known, so there is nothing to negotiate: `done` at once.
    /// - Source: gitprotocol-v2(5), "fetch".
    var packets: ByteBuffer {
        var packets = ByteBuffer()
        packets.writePktLine("command=fetch\n")
        packets.writePktLine("object-format=sha1\n")
        packets.writePktLine(.delimiter)
        for word in ["thin-pack", "no-progress", "ofs-delta"] { packets.writePktLine(word + "\n") }
        for id in wants { packets.writePktLine("want \(id.hex)\n") }
        for id in haves { packets.writePktLine("have \(id.hex)\n") }
        packets.writePktLine("done\n")
        packets.writePktLine(.flush)
        return packets
    }
}

/// How far a conversation with `git upload-pack` in protocol version 2 is that asks for one pack.
struct PackConversation {
    /// What is to be done after a packet.
    enum Turn: Equatable {
        case listen
        /// The server has said what it can.
        case ask
        /// A part of the pack.
        case pack(ByteBuffer)
        /// All of it has come.
        case over
        /// The server has said why there is none.
        case refused(String)
    }

    private enum Phase {
        case greeting
        case capabilities
        case answer
        case pack
    }

    private var phase = Phase.greeting

    /// - Throws: ``GitStoreError/malformedPacket(reason:)``.
    mutating func take(_ packet: PktLine) throws(GitStoreError) -> Turn {
        if case .data(let payload) = packet, let text = Self.complaint(payload), phase != .pack {
            return .refused(text)
        }
        switch (phase, packet) {
        case (.greeting, .data(let payload)) where String(buffer: payload) == "version 2\n":
            phase = .capabilities
            return .listen
        case (.capabilities, .data): return .listen
        case (.capabilities, .flush):
            phase = .answer
            return .ask
        case (.answer, .data(let payload)) where String(buffer: payload) == "packfile\n":
            phase = .pack
            return .listen
        case (.pack, .data(var payload)):
            switch payload.readInteger(as: UInt8.self) {
            case 1: return payload.readableBytes > 0 ? .pack(payload) : .listen
            case 2: return .listen
            case 3: return .refused(String(buffer: payload))
            default: throw .malformedPacket(reason: "a part of the pack is of no band")
            }
        case (.pack, .flush): return .over
        case (.greeting, _): throw .malformedPacket(reason: "the server does not speak protocol version 2")
        default: throw .malformedPacket(reason: "the answer holds more than a pack")
        }
    }

    private static func complaint(_ payload: ByteBuffer) -> String? {
        let text = String(buffer: payload)
        return text.hasPrefix("ERR ") ? String(text.dropFirst(4)) : nil
    }
}
