import Hosting
import Synchronization

/// What the SSH server asks of the program behind it.
///
/// The only thing that the server knows of the program: so the server could run in a process of its own, one
/// per connection, which carries these calls over a socket.
protocol SSHDoor: Sendable {
    /// Whose key this is; nil for a key that nobody registered, or that may not be used.
    func visitor(_ key: SSHShownKey) async throws -> SSHVisitor?
    /// The visitor proved that the key is theirs.
    func welcome(_ visitor: SSHVisitor, from address: String) async
    /// Of these keys, those that may no longer be used.
    func revoked(among keys: Set<Int64>) async throws -> Set<Int64>
    /// Answers a command, or a request for a shell; returns the exit code when all has been said.
    func answer(_ request: SSHRequest, exchange: SSHExchange) async -> Int32
}

/// A public key that a client offers.
struct SSHShownKey: Sendable, Hashable {
    /// `SHA256:` and 43 digits of base64, as `ssh-keygen -l` prints it.
    let fingerprint: String
    /// Its kind, such as `ssh-ed25519`.
    let algorithm: String
    /// The key in base64.
    let text: String
}

/// Somebody who has shown a registered key.
struct SSHVisitor: Sendable, Hashable {
    /// The key's number in the database, on a mirror in that of the upstream. A mirror's own key has the
    /// mirror's, below zero.
    let key: Int64
    /// The name for logs.
    let name: String
    /// The key itself, on a mirror, whose upstream is asked by it.
    var shown: SSHShownKey?
    /// On an upstream, the mirror whose own key it is.
    var mirror: MirrorVisitor?
}

/// What a client asks for in one channel.
struct SSHRequest: Sendable {
    /// The words of `exec`; nil for a shell.
    let command: String?
    /// The value of `GIT_PROTOCOL`, which is well formed; nil when the client gave none.
    let gitProtocol: String?
    /// Who asks.
    let visitor: SSHVisitor
    /// The client's address, from the PROXY header where there is one.
    let address: String
}
