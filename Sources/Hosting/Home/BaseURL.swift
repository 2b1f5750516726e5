internal import Synchronization

/// The address that links begin with; it may change once, when the port is known.
package final class BaseURL: Sendable {
    private let storage: Mutex<String>

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

    private static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while text.hasSuffix("/") { text.removeLast() }
        return String(text)
    }
}
