/// A lock that is held, as administrators see it.
package struct LockDescription: Sendable, Hashable {
    /// Which lock.
    package let name: LockName
    /// The token of the grant.
    package let token: Int64
    /// Who took it, as its user says.
    package let label: String?
    /// The node's id.
    package let nodeID: String
    /// The node's name.
    package let nodeName: String
    /// Which life of the node.
    package let incarnation: NodeIncarnation
    /// How long it has been held by now, in milliseconds of the database's clock.
    package let ageMilliseconds: Int64
    /// How many wait; those in the memory of the holder's node as of the last second.
    package let waiters: Int64
}
