import HTTPServing
import HTTPTypes

/// The version of git's wire protocol that a client asks for.
enum GitProtocolVersion: Int, Sendable {
    case v0 = 0
    case v1 = 1
    case v2 = 2

    /// Reads `Git-Protocol`, a list parted by colons of which only `version=0`, `1` and `2` mean something
    /// here.
    ///
    /// Receiving packs has no version 2, so clients of it are answered in version 0.
    init(headers: HTTPFields, service: GitService) {
        self.init(asked: headers[.gitProtocol], service: service)
    }

    /// Reads the same list, or nothing.
    init(asked list: String?, service: GitService) {
        let words = list?.split(separator: ":") ?? []
        let asked = words.compactMap { word -> GitProtocolVersion? in
            switch word {
            case "version=1": .v1
            case "version=2": service == .uploadPack ? .v2 : nil
            default: nil
            }
        }
        self = asked.max { $0.rawValue < $1.rawValue } ?? .v0
    }

    /// Whether the text is a list of words as git clients send it, whatever they mean; at most 256 bytes.
    static func isWellFormed(_ list: String) -> Bool {
        (1...256).contains(list.utf8.count)
            && list.utf8.allSatisfy { byte in
                switch UnicodeScalar(byte) {
                case "a"..."z", "A"..."Z", "0"..."9", "=", ":", "-", ".", "_": true
                default: false
                }
            }
    }

    /// What git's `GIT_PROTOCOL` is to hold; nil for version 0.
    var environmentValue: String? { self == .v0 ? nil : "version=\(rawValue)" }
}
