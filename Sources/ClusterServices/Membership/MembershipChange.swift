/// What ``Membership/changes()`` tells.
package enum MembershipChange: Sendable, Hashable {
    /// This node is a member, with this incarnation.
    case joined(NodeIncarnation)
    /// This node's incarnation has ended: nothing that it held is held any more. It joins anew by itself.
    case lost(NodeIncarnation)
    /// Another node is a member.
    case added(ClusterMember)
    /// Another node has left, or has been evicted: nothing that it held is held any more.
    case removed(ClusterMember)
    /// The database goes on with another history, and may have lost its last commits: whatever this node
    /// believes to hold must be looked up again.
    case historyChanged(timeline: Int64)
}
