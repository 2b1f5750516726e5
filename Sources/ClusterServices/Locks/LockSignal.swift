import Portable

/// A notification about a lock, for the node that it names.
struct LockSignal: Sendable {
    enum Kind: String, Sendable {
        /// The waiter with this row has the lock, with this token.
        case granted
        /// Somebody on another node waits for the lock that this node holds.
        case waiting
        /// The lock has been taken away from who holds it with this token.
        case broken
    }

    let kind: Kind
    let incarnation: NodeIncarnation
    let row: Int64
    let token: Int64
    let name: LockName

    static func payload(
        _ kind: String, _ incarnation: NodeIncarnation, row: Int64, token: Int64, _ name: LockName
    ) -> String {
        "\(kind)\n\(incarnation)\n\(row)\n\(token)\n\(name.namespace)\n\(name.name)"
    }

    /// `nil` for what another version of the program sends.
    init?(_ payload: String) {
        let parts = payload.split(separator: "\n", omittingEmptySubsequences: false)
        guard parts.count == 6, let kind = Kind(rawValue: String(parts[0])),
            let incarnation = Int64(parts[1]),
            let row = Int64(parts[2]), let token = Int64(parts[3])
        else { return nil }
        self.kind = kind
        self.incarnation = NodeIncarnation(rawValue: incarnation)
        self.row = row
        self.token = token
        name = LockName(namespace: String(parts[4]), name: String(parts[5]))
    }
}
