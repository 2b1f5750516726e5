import Logging
import SharedDatabase
import Synchronization

extension Membership {
    /// How many of the nodes after this one, in a ring by incarnation, have their sessions looked at.
    private static let neighboursMax = 2

    /// Looks at the other nodes once: tells of changes, and ends the lives of those that are dead.
    func watch() async {
        defer { state.withLock { $0.isWatching = false } }
        let local = state.withLock { $0.phase.incarnation }
        do {
            let nodes = try await database.read { try MembershipTable.nodes($0, local: local) }
            let now = clock.now
            compare(nodes, local: local)
            guard let local else { return }
            guard nodes.contains(where: { $0.member.incarnation == local }) else {
                return lose(local, because: "the cluster has given this node up")
            }
            let silent = observations.withLock { observations in
                observations.note(nodes, at: now)
                return nodes.filter { !$0.member.isLocal && observations.isSilent($0, at: now) }
            }
            for node in silent { try await evict(node, because: "its lease is over") }
            try await watchSessions(of: nodes, local: local)
        } catch {
            logger.debug("the nodes of the cluster cannot be looked at", metadata: ["error": "\(error)"])
        }
    }

    private func compare(_ nodes: [MembershipTable.ObservedNode], local: NodeIncarnation?) {
        let current = Dictionary(
            nodes.map { ($0.member.incarnation, $0.member) }, uniquingKeysWith: { $1 })
        let (added, removed) = state.withLock { state in
            defer { state.known = current }
            return (
                current.values.filter { state.known[$0.incarnation] == nil },
                state.known.values.filter { current[$0.incarnation] == nil }
            )
        }
        for member in removed.sorted(by: { $0.incarnation < $1.incarnation }) where isOther(member) {
            logger.notice("node left", metadata: ["node.id": "\(member.nodeID)"])
            streams.tell(.removed(member))
        }
        for member in added.sorted(by: { $0.incarnation < $1.incarnation }) where isOther(member) {
            logger.notice("node joined", metadata: ["node.id": "\(member.nodeID)"])
            streams.tell(.added(member))
        }
    }

    /// Not one of this node's own lives, of which it tells in other words.
    private func isOther(_ member: ClusterMember) -> Bool { member.nodeID != identity.nodeID }

    /// A session that ends is how a killed process is seen at once. It proves something only to who has seen
    /// the session before, through one session of its own: when the database itself restarts, all sessions
    /// end.
    private func watchSessions(of nodes: [MembershipTable.ObservedNode], local: NodeIncarnation) async throws
    {
        let isInSession = state.withLock { state in
            guard case .member(let life) = state.phase else { return false }
            return life.isShared && life.session?.isHeld == true
        }
        guard isInSession else { return observations.withLock { $0.forgetSessions() } }
        let younger = nodes.drop { $0.member.incarnation <= local }
        let ring = younger + nodes.prefix { $0.member.incarnation < local }
        for node in ring.prefix(Membership.neighboursMax) {
            let id = node.member.incarnation
            let isHeld = try await database.isSessionLockHeld(key: Membership.sessionKey(of: id))
            let now = clock.now
            let isDead = observations.withLock {
                $0.noteSession(of: id, isHeld: isHeld, at: now, grace: timing.grace)
            }
            if isDead { try await evict(node, because: "its session with the database has ended") }
        }
    }

    /// Ends another node's life, unless it has shown a sign of life since.
    private func evict(_ node: MembershipTable.ObservedNode, because reason: String) async throws {
        let table = table
        let isDone = try await database.write { transaction in
            try table.remove(transaction, node.member.incarnation, renewals: node.renewals)
        }
        guard isDone else { return }
        logger.warning(
            "a node that is gone was removed from the cluster",
            metadata: [
                "node.id": "\(node.member.nodeID)", "node.incarnation": "\(node.member.incarnation)",
                "reason": "\(reason)",
            ])
        state.withLock { $0.watchDue = .zero }
    }
}
