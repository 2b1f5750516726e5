/// Which lock: a name within a namespace, or one per repository or pull request under that name.
///
/// Locks of different names never wait for one another, also where they are about the same repository.
/// - Source: Atlassian, "Making plugins compatible with Bitbucket Data Center", "Locking in a cluster".
package struct LockName: Sendable, Hashable, CustomStringConvertible {
    /// Whose: a plugin's id, or ``LockName/hostNamespace``.
    package let namespace: String
    /// `named/NAME`, `repository/ID/NAME` or `pull-request/ID/NUMBER/NAME`.
    package let name: String

    /// The namespace of the program's own locks, which no plugin can reach.
    package static let hostNamespace = "perigee"

    /// The longest name in bytes, as its user gives it.
    package static let bytesMax = 255

    /// As it is stored.
    package init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// Both parts, for people.
    package var description: String { "\(namespace):\(name)" }

    /// - Throws: ``LockError/invalidName(_:)`` for one that is empty, too long or has control characters.
    static func check(_ name: String) throws(LockError) {
        let isValid =
            (1...bytesMax).contains(name.utf8.count) && name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
        guard isValid else { throw .invalidName(name) }
    }
}
