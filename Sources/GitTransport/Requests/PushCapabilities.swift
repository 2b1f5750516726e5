import GitStore
import NIOCore
import Portable

/// What a pushing client can read, told after the NUL of its first command.
/// - Source: gitprotocol-pack(5), "Reference Update Request and Packfile Transfer".
struct PushCapabilities: Sendable {
    /// How far the first command is looked for, in bytes: the lines before it name shallow commits.
    static let bytesMax = 256 * 1024
    /// All of them, such as `atomic` and `object-format=sha1`.
    let words: Set<String>
    /// Whether messages can be sent beside the report.
    var hasSideBand: Bool { words.contains("side-band-64k") }
    /// Whether the client wants a report.
    var wantsReport: Bool { words.contains("report-status") || words.contains("report-status-v2") }

    /// Whether the packets hold the first command.
    static func areKnown(_ packets: [PktLine]) -> Bool {
        guard let last = packets.last else { return false }
        guard case .data(let payload) = last else { return true }
        return !payload.readableBytesView.starts(with: "shallow ".utf8)
    }

    init(_ packets: [PktLine]) {
        var words: [Substring] = []
        if case .data(let payload)? = packets.first(where: { Self.areKnown([$0]) }) {
            let text = String(decoding: payload.readableBytesView, as: UTF8.self)
            if text.isStreamSafe, let nul = text.firstIndex(of: "\0") {
                words = text[text.index(after: nul)...].split(whereSeparator: { $0 == " " || $0 == "\n" })
            }
        }
        self.words = Set(words.map(String.init))
    }
}
