import GitStore
import NIOCore
import Portable

/// The commands of a push that this process can carry out itself: a few refs that are made or moved.
///
/// Everything else is left to `git receive-pack`: deletions, which rewrite `packed-refs`; shallow histories;
/// many refs; names that git would refuse; and whatever is no push at all.
/// - Source: gitprotocol-pack(5), "Reference Update Request and Packfile Transfer".
struct PushCommands: Sendable {
    /// At least one; each of another ref.
    let updates: [RefUpdate]
    /// What the client passed with `--push-option`.
    let options: [String]
    /// Whether all or none must happen.
    let isAtomic: Bool
    /// How many bytes they take at the beginning of the request; the pack follows.
    let byteCount: Int

    /// Whether the packets hold all commands, with the options if there are any, or as many as need be seen.
    static func areComplete(_ packets: [PktLine]) -> Bool {
        guard packets.last == .flush else {
            // Too many for this process, and enough to know what the client can read.
            return packets.count > 2 * GitStore.directRefsMax && PushCapabilities.areKnown(packets)
        }
        let flushes = packets.count { $0 == .flush }
        return flushes == 2 || packets.first == .flush
            || !PushCapabilities(packets).words.contains("push-options")
    }

    /// - Returns: nil for anything that git is to carry out.
    init?(_ packets: [PktLine], _ client: PushCapabilities) {
        guard packets.last == .flush, let end = packets.firstIndex(of: .flush) else { return nil }
        let words = client.words
        guard client.wantsReport, client.hasSideBand,
            !words.contains(where: { $0.hasPrefix("push-cert") }),
            words.first(where: { $0.hasPrefix("object-format=") }) ?? "object-format=sha1"
                == "object-format=sha1",
            (1...GitStore.directRefsMax).contains(end)
        else { return nil }
        var updates: [RefUpdate] = []
        var names: Set<RefName> = []
        for packet in packets[..<end] {
            guard case .data(let payload) = packet, let update = Self.update(payload),
                names.insert(update.name).inserted
            else { return nil }
            updates.append(update)
        }
        var options: [String] = []
        for packet in packets[end...].dropFirst().dropLast() {
            guard case .data(let payload) = packet, let option = Self.line(payload) else { return nil }
            options.append(option)
        }
        self.updates = updates
        self.options = options
        isAtomic = words.contains("atomic")
        byteCount = packets.reduce(0) { sum, packet in
            if case .data(let payload) = packet { return sum + 4 + payload.readableBytes }
            return sum + 4
        }
    }

    private static func update(_ payload: ByteBuffer) -> RefUpdate? {
        let view = payload.readableBytesView
        let command = view.firstIndex(of: 0).map { view[..<$0] } ?? view
        guard let text = String(validating: command, as: UTF8.self), text.isStreamSafe else { return nil }
        let parts = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let old = ObjectID(String(parts[0])), let new = ObjectID(String(parts[1])),
            !new.isZero
        else { return nil }
        let name = parts[2].hasSuffix("\n") ? parts[2].dropLast() : parts[2]
        guard let ref = try? RefName(String(name)) else { return nil }
        return RefUpdate(name: ref, old: old, new: new)
    }

    private static func line(_ payload: ByteBuffer) -> String? {
        var bytes = payload.readableBytesView
        if bytes.last == UInt8(ascii: "\n") { bytes = bytes.dropLast() }
        guard !bytes.contains(0) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}

/// The first bytes of a pack.
/// - Source: gitformat-pack(5).
enum PackHeader {
    /// How many bytes tell.
    static let byteCount = 12

    /// How many objects the pack has that begins so; nil when it is no pack.
    static func objectCount(_ bytes: ByteBuffer) -> UInt32? {
        var bytes = bytes
        guard bytes.readString(length: 4) == "PACK", let version = bytes.readInteger(as: UInt32.self),
            (2...3).contains(version)
        else { return nil }
        return bytes.readInteger(as: UInt32.self)
    }
}
