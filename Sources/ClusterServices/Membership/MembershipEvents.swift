import Portable
import Synchronization

/// Tells this node's subscribers of events that nodes come and go: `cluster:node_added` and
/// `cluster:node_removed`.
///
/// Each node tells its own, in memory alone: what a node has missed while it was away is in `members()`.
package final class MembershipEvents: Sendable {
    private let membership: Membership
    private let events: EventBus
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// Begins with ``start()``.
    package init(membership: Membership, events: EventBus) {
        self.membership = membership
        self.events = events
    }

    /// Begins to tell; ends with ``stop()`` and when the node leaves.
    package func start() {
        let changes = membership.changes()
        let task = Task { [weak self] in
            for await change in changes {
                switch change {
                case .added(let member): self?.tell("cluster:node_added", member)
                case .removed(let member): self?.tell("cluster:node_removed", member)
                case .joined, .lost, .historyChanged: break
                }
            }
        }
        self.task.withLock { $0 = task }
    }

    /// Tells nothing more.
    package func stop() {
        task.withLock { $0 }?.cancel()
    }

    private func tell(_ key: String, _ member: ClusterMember) {
        let nodes = membership.lastSeenMembers
        events.publish(
            Event(
                key: key,
                payload: [
                    "eventKey": .string(key), "node": member.portable, "nodes": .list(nodes.map(\.portable)),
                ], id: "\(key)-\(member.incarnation)"))
    }
}

extension ClusterMember {
    fileprivate var portable: PortableValue {
        [
            "id": .string(nodeID), "name": .string(name),
            "address": ["hostName": .optional(address), "port": .optional(httpPort.map(Int64.init))],
            "buildVersion": .string(version), "local": .bool(isLocal),
        ]
    }
}
