internal import Synchronization

/// The address that links begin with; it may change once, when the port is known.
package final class BaseURL: Sendable {
    private let storage: Mutex<String>
    private let sshStorage = Mutex<String?>(nil)

    /// Takes an address such as `https://git.example.org`; trailing slashes are dropped.
    package init(_ text: String) {
        storage = Mutex(Self.trimmed(text))
    }

    /// The address without a trailing slash.
    package var text: String { storage.withLock { $0 } }

    /// Replaces the address, for instance once the chosen port is known.
    package func set(_ text: String) {
        let trimmed = Self.trimmed(text)
        storage.withLock { $0 = trimmed }
    }

    /// What addresses for cloning over SSH begin with, such as `ssh://git@git.example.org:7999`; nil while
    /// there is no such door.
    package var ssh: String? { sshStorage.withLock { $0 } }

    /// Names what addresses for cloning over SSH begin with.
    package func setSSH(_ text: String?) {
        let trimmed = text.map(Self.trimmed)
        sshStorage.withLock { $0 = trimmed }
    }

    private static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while text.hasSuffix("/") { text.removeLast() }
        return String(text)
    }
}
