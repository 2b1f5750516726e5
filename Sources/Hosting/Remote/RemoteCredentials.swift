internal import Crypto
internal import FoundationEssentials

/// What a caller of a mirror has shown, which only the upstream can judge.
///
/// Compared by a digest under a key of this process; neither its text nor its reflection shows the secret.
package struct RemoteCredentials: Sendable, Hashable {
    /// The credentials themselves.
    package enum Content: Sendable {
        /// Nothing was shown.
        case anonymous
        /// A user name and a password, or an access token in the password's place.
        case password(user: String, password: String)
        /// An access token.
        case token(String)
        /// A public key of SSH whose private half the caller has proved to have: its kind, and its base64.
        case publicKey(algorithm: String, key: String)
    }

    /// What was shown; for the question to the upstream alone.
    package let content: Content
    private let digest: [UInt8]

    /// Nobody in particular.
    package static let anonymous = RemoteCredentials(.anonymous)
    private static let digestKey = SymmetricKey(size: .bits256)

    /// - Parameter content: Not checked here.
    package init(_ content: Content) {
        self.content = content
        let parts =
            switch content {
            case .anonymous: ["anonymous"]
            case .password(let user, let password): ["password", user, password]
            case .token(let secret): ["token", secret]
            case .publicKey(let algorithm, let key): ["key", algorithm, key]
            }
        var code = HMAC<SHA256>(key: Self.digestKey)
        for part in parts {
            // With its length, so that no two lists of parts are the same bytes.
            code.update(data: Array("\(part.utf8.count):".utf8))
            code.update(data: Array(part.utf8))
        }
        digest = Array(code.finalize())
    }

    /// Whether nothing was shown.
    package var isAnonymous: Bool {
        if case .anonymous = content { return true }
        return false
    }

    /// Whether both were made of the same bytes.
    package static func == (first: RemoteCredentials, second: RemoteCredentials) -> Bool {
        SecretDigest.equal(first.digest, second.digest)
    }

    /// Feeds the keyed digest, and nothing of the secret.
    package func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}

extension RemoteCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What kind they are, and of whom, without the secret.
    package var description: String {
        switch content {
        case .anonymous: "no credentials"
        case .password(let user, _): "a password of \(user.prefix(100))"
        case .token: "an access token"
        case .publicKey(let algorithm, _): "a key of the kind \(algorithm.prefix(40))"
        }
    }

    /// The same as ``description``.
    package var debugDescription: String { description }

    /// Shows ``description`` and nothing else.
    package var customMirror: Mirror { Mirror(self, children: ["credentials": description]) }
}
