/// What a host function needs from the manifest's `permissions`.
package struct HostPermission: Sendable, Hashable {
    /// How much of it.
    package enum Level: Sendable, Hashable {
        /// The key must be there.
        case granted
        /// `"read"` or `"write"`.
        case read
        /// `"write"`.
        case write
    }

    /// The key below `permissions`: `kv`.
    package let key: String
    /// How much of it.
    package let level: Level
    /// The line that an author adds: `"kv": "1MiB"`.
    package let manifestLine: String

    /// Something of these names, such as the caches that it may open; any name for `nil`.
    package var name: String?

    /// Key-value storage.
    package static let kv = HostPermission(key: "kv", level: .granted, manifestLine: "\"kv\": \"1MiB\"")
    /// Being asked about pushes.
    package static let beforePush = HostPermission(
        key: "before_push", level: .granted, manifestLine: "\"before_push\": true")

    /// Driving mirrors.
    package static let mirroring = HostPermission(
        key: "mirroring", level: .granted, manifestLine: "\"mirroring\": true")

    /// Reading one of `repositories`, `refs`, `commits`, `projects`.
    package static func read(_ key: String) -> HostPermission {
        HostPermission(key: key, level: .read, manifestLine: "\"\(key)\": \"read\"")
    }

    /// Changing one of `repositories`, `refs`.
    package static func write(_ key: String) -> HostPermission {
        HostPermission(key: key, level: .write, manifestLine: "\"\(key)\": \"write\"")
    }

    /// Using something that `caches`, `locks`, `topics`, `jobs`, `executors`, `routes` or `remotes` lists.
    package static func named(_ key: String, _ name: String) -> HostPermission {
        HostPermission(key: key, level: .granted, manifestLine: "\"\(key)\": [\"\(name)\"]", name: name)
    }

    /// Using anything that one of these lists.
    package static func some(of key: String) -> HostPermission {
        HostPermission(key: key, level: .granted, manifestLine: "\"\(key)\": [\"name\"]")
    }

    /// Pushing to other servers.
    package static let remotes = HostPermission(
        key: "remotes", level: .granted, manifestLine: "\"remotes\": [\"git.example.com\"]")

    /// Hearing of events with this key.
    package static func event(_ event: String) -> HostPermission {
        HostPermission(key: "events", level: .granted, manifestLine: "\"events\": [\"\(event)\"]")
    }
}
