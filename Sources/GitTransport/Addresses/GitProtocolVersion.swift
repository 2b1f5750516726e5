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
        let words = headers[.gitProtocol]?.split(separator: ":") ?? []
        let asked = words.compactMap { word -> GitProtocolVersion? in
            switch word {
            case "version=1": .v1
            case "version=2": service == .uploadPack ? .v2 : nil
            default: nil
            }
        }
        self = asked.max { $0.rawValue < $1.rawValue } ?? .v0
    }

    /// What git's `GIT_PROTOCOL` is to hold; nil for version 0.
    var environmentValue: String? { self == .v0 ? nil : "version=\(rawValue)" }
}
