internal import Synchronization

/// How the SSH door is reached, for links, greetings and people who check a host key; settled when it opens.
package final class SSHServerFacts: Sendable {
    /// What everybody may know of the door.
    package struct Facts: Sendable, Hashable {
        /// What clone addresses begin with, such as `ssh://git@git.example.org:7999`.
        package var baseURL: String
        /// The port that it listens on.
        package var port: Int
        /// The keys by which the server proves itself.
        package var hostKeys: [HostKey]

        /// Names the facts.
        package init(baseURL: String, port: Int, hostKeys: [HostKey]) {
            self.baseURL = baseURL
            self.port = port
            self.hostKeys = hostKeys
        }
    }

    /// A host key's public half.
    package struct HostKey: Sendable, Hashable {
        /// Its kind, such as `ssh-ed25519`.
        package var algorithm: String
        /// The key in base64, as `known_hosts` has it.
        package var text: String
        /// `SHA256:` and 43 digits of base64.
        package var fingerprint: String

        /// Names the facts.
        package init(algorithm: String, text: String, fingerprint: String) {
            self.algorithm = algorithm
            self.text = text
            self.fingerprint = fingerprint
        }
    }

    private let storage = Mutex<Facts?>(nil)

    /// A door that is not open.
    package init() {}

    /// The facts; nil while there is no such door.
    package var facts: Facts? { storage.withLock { $0 } }

    /// The door is open.
    package func open(_ facts: Facts) { storage.withLock { $0 = facts } }
}
