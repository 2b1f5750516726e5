/// A node that is part of the cluster, as its row says.
package struct ClusterMember: Sendable, Hashable {
    /// Which life of the node.
    package let incarnation: NodeIncarnation
    /// Which node, over all its lives.
    package let nodeID: String
    /// For people.
    package let name: String
    /// Where other machines reach it: a host name or an address, without a port.
    package let address: String?
    /// The port of its HTTP server, where that is known.
    package let httpPort: Int?
    /// The release that it runs.
    package let version: String
    /// When it joined: milliseconds since 1970 by the database's clock.
    package let joinedAt: Int64
    /// When it last renewed its lease: milliseconds since 1970 by the database's clock.
    package let renewedAt: Int64
    /// The machine's load average over the last minute, as of `renewedAt`.
    package let load: Double
    /// Whether it is this node.
    package let isLocal: Bool
}
