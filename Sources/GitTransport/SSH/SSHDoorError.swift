/// What keeps the SSH door from opening; each description is a lower-case clause.
package enum SSHDoorError: Error, Sendable, CustomStringConvertible {
    /// The address or port cannot be used.
    case listen(address: String, port: Int, reason: String)
    /// A host key cannot be made, read or kept.
    case hostKey(path: String, reason: String)
    /// The library does not take what it was given, or is not the one that this program was built for.
    case library(reason: String)
    /// So many algorithms of a kind are disabled that none is left.
    case noAlgorithm(kind: String)

    package var description: String {
        switch self {
        case .listen(let address, let port, let reason):
            "cannot listen on \(address) port \(port) for SSH: \(reason)"
        case .hostKey(let path, let reason): "the SSH host key \(path) cannot be used: \(reason)"
        case .library(let reason): "libssh cannot be used: \(reason)"
        case .noAlgorithm(let kind): "every algorithm for \(kind) of SSH is disabled"
        }
    }
}
