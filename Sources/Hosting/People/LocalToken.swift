internal import Synchronization

/// The secret with which the operator at this machine calls, hashed.
final class LocalToken: Sendable {
    private let hash = Mutex<String?>(nil)

    /// Replaces the secret; nil ends it.
    func set(_ secret: String?) {
        let new = secret.map(SecretDigest.hash)
        hash.withLock { $0 = new }
    }

    /// Whether this is the secret.
    func matches(_ secret: String) -> Bool {
        guard let hash = hash.withLock({ $0 }) else { return false }
        return SecretDigest.equal(Array(hash.utf8), Array(SecretDigest.hash(secret).utf8))
    }
}
