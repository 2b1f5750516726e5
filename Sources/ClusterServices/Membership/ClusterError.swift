/// Why a node is not, or not any more, part of the cluster.
package enum ClusterError: Error, Hashable, CustomStringConvertible {
    /// The node's lease has ended, is in doubt at the moment, or was never taken.
    case notMember
    /// The node has another shared home than the cluster.
    case otherHome(ours: String, cluster: String)
    /// A node of the cluster runs a release that this one cannot work beside.
    case otherVersion(
        ours: String, ourGeneration: Int64, node: String, theirs: String, theirGeneration: Int64)
    /// A living node has the same id.
    case duplicateNode(id: String, name: String, address: String?, version: String)

    /// The fact as a lower-case clause; for people with what to do.
    package var description: String {
        switch self {
        case .notMember: "this node is not a member of the cluster at the moment"
        case .otherHome(let ours, let cluster):
            "the shared home has the id \"\(ours)\", the cluster's has \"\(cluster)\". "
                + "Mount the cluster's shared home, or use another database"
        case .otherVersion(let ours, let ourGeneration, let node, let theirs, let theirGeneration):
            "this node runs version \(ours) (generation \(ourGeneration)), node \"\(node)\" runs \(theirs) "
                + "(generation \(theirGeneration)). Upgrade by one generation at a time"
        case .duplicateNode(let id, let name, let address, let version):
            "node id \"\(id)\" is taken by the node \"\(name)\" at \(address ?? "an unknown address"), "
                + "version \(version). Stop that node, or remove the file node-id from this one's home"
        }
    }
}
