import GitStore
import Hosting
import NIOCore
import Portable

/// What a push that is passed on wants to change, read along the way.
/// - Source: gitprotocol-pack(5), "Reference Update Request and Packfile Transfer".
struct RelayedCommands: Sendable {
    /// Those that could be read; of a signed push, and of more than are read ahead, there are none.
    private(set) var changes: [RefChange] = []
    /// Whether a pack follows the commands.
    private(set) var hasPack = false

    /// How far the commands are read ahead, in bytes.
    static let bytesMax = 256 * 1024

    init(_ packets: [PktLine]) {
        for packet in packets.prefix(while: { $0 != .flush }) {
            guard case .data(let payload) = packet else { continue }
            let view = payload.readableBytesView
            let command = view.firstIndex(of: 0).map { view[..<$0] } ?? view
            guard let text = String(validating: command, as: UTF8.self), text.isStreamSafe else { continue }
            let parts = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, let from = ObjectID(String(parts[0])),
                let to = ObjectID(String(parts[1]))
            else { continue }
            let name = parts[2].hasSuffix("\n") ? parts[2].dropLast() : parts[2]
            guard let ref = try? RefName(String(name)) else { continue }
            changes.append(RefChange(ref: ref, from: from, to: to))
            if !to.isZero { hasPack = true }
        }
        if changes.isEmpty { hasPack = true }
    }

    /// The changes that the upstream reports as made.
    func made(_ report: PushReport?) -> [RefChange] {
        let accepted = Set(report?.accepted ?? [])
        return changes.filter { accepted.contains($0.ref.full) }
    }
}
