/// A client's command, as far as any is served: one of git's three, and one path.
enum SSHCommand: Equatable {
    /// Clone and fetch.
    case uploadPack(path: String)
    /// Push.
    case receivePack(path: String)
    /// `git archive --remote`.
    case uploadArchive(path: String)

    /// The sentence for everything else.
    static let complaint =
        "Perigee runs git-upload-pack, git-receive-pack and git-upload-archive with one path, "
        + "and nothing else. Use a git client."
    private static let bytesMax = 4096

    /// Reads the words of `exec`; nil for everything that is not exactly such a command.
    init?(_ text: String) {
        guard text.utf8.count <= Self.bytesMax, let words = Self.words(text) else { return nil }
        let parts = words.first == "git" && words.count == 3 ? ["git-\(words[1])", words[2]] : words
        guard parts.count == 2 else { return nil }
        switch parts[0] {
        case "git-upload-pack": self = .uploadPack(path: parts[1])
        case "git-receive-pack": self = .receivePack(path: parts[1])
        case "git-upload-archive": self = .uploadArchive(path: parts[1])
        default: return nil
        }
    }

    /// Its path.
    var path: String {
        switch self {
        case .uploadPack(let path), .receivePack(let path), .uploadArchive(let path): path
        }
    }

    /// Parts words as a shell would, without anything else that a shell does.
    /// - Returns: nil for quotes that do not end, and for characters that mean something to a shell.
    static func words(_ text: String) -> [String]? {
        var words: [String] = []
        var word: [UInt8]?
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: " "):
                if let done = word { words.append(String(decoding: done, as: UTF8.self)) }
                word = nil
            case UInt8(ascii: "'"):
                guard let end = rest.firstIndex(of: byte) else { return nil }
                word = (word ?? []) + rest[..<end]
                rest = rest[rest.index(after: end)...]
            case UInt8(ascii: "\""):
                guard let quoted = quoted(&rest) else { return nil }
                word = (word ?? []) + quoted
            case UInt8(ascii: "\\"):
                guard let next = rest.popFirst(), next != UInt8(ascii: "\n") else { return nil }
                word = (word ?? []) + [next]
            case _ where isPlain(byte): word = (word ?? []) + [byte]
            default: return nil
            }
        }
        if let done = word { words.append(String(decoding: done, as: UTF8.self)) }
        return words
    }

    private static func quoted(_ rest: inout Substring.UTF8View) -> [UInt8]? {
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return bytes
            case UInt8(ascii: "$"), UInt8(ascii: "`"): return nil
            case UInt8(ascii: "\\"):
                guard let next = rest.popFirst(), "\\\"$`".utf8.contains(next) else { return nil }
                bytes.append(next)
            default: bytes.append(byte)
            }
        }
        return nil
    }

    /// Letters, digits, what is beyond ASCII, and marks that no shell looks at.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch UnicodeScalar(byte) {
        case "a"..."z", "A"..."Z", "0"..."9", "/", ".", "-", "_", "+", ",", ":", "@", "%", "=", "~": true
        default: byte >= 0x80
        }
    }
}
