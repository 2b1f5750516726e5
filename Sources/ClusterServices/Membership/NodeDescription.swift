/// What a node tells the cluster about itself when it joins.
package struct NodeDescription: Sendable, Hashable {
    /// Which node: the id in its own home.
    package let nodeID: String
    /// For people; unique or not.
    package var name: String
    /// Where other machines reach it: a host name or an address, without a port.
    package var address: String?
    /// The port of its HTTP server, where that is known before it joins.
    package var httpPort: Int?
    /// The release that it runs.
    package var version: String
    /// Which generation of the tables and signals it speaks. Nodes whose numbers are the same or next to each
    /// other work together.
    package var generation: Int64
    /// The id in the home that all nodes share.
    package var sharedHomeID: String
    /// Names the machine and the home that this node has locked, so that a node which is started again needs
    /// not wait for the end of its own old lease: whoever has the same origin has the lock that the old one
    /// died with. `nil` where no such lock is held.
    package var origin: String?

    /// The generation of this program.
    package static let currentGeneration: Int64 = 1

    /// - Parameters:
    ///   - nodeID: The id in the node's own home.
    ///   - name: For people; the id unless told.
    ///   - address: A host name or an address, without a port.
    ///   - httpPort: The port of its HTTP server.
    ///   - version: The release that it runs.
    ///   - generation: Of the tables and signals.
    ///   - sharedHomeID: The id in the home that all nodes share.
    ///   - origin: The machine and the home that this node has locked.
    package init(
        nodeID: String, name: String? = nil, address: String? = nil, httpPort: Int? = nil, version: String,
        generation: Int64 = NodeDescription.currentGeneration, sharedHomeID: String, origin: String? = nil
    ) {
        self.nodeID = nodeID
        self.name = name ?? nodeID
        self.address = address
        self.httpPort = httpPort
        self.version = version
        self.generation = generation
        self.sharedHomeID = sharedHomeID
        self.origin = origin
    }
}
