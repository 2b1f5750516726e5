/// Which row: a job of the cluster, or one node's own of a job that runs on every node.
struct JobKey: Sendable, Hashable, Comparable {
    let namespace: String
    let name: String
    /// Empty for the cluster, else the node's id.
    let slot: String

    /// The order in which several rows are locked.
    static func < (left: JobKey, right: JobKey) -> Bool {
        (left.namespace, left.name, left.slot) < (right.namespace, right.name, right.slot)
    }
}
