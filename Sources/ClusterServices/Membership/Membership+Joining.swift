import Logging
import SharedDatabase
import Synchronization

extension Membership {
    /// Takes a row with a new incarnation.
    func takeRow() async throws {
        var rival: (node: MembershipTable.ObservedNode, since: Duration)?
        while true {
            let sent = clock.now
            let (table, previous) = (table, state.withLock { $0.previous })
            let joining = try await database.write { transaction in
                for incarnation in previous { _ = try table.remove(transaction, incarnation, renewals: nil) }
                return try table.join(transaction, load: Membership.load)
            }
            switch joining {
            case .joined(let incarnation, let sight, let isShared):
                return try await begin(incarnation, sight, isShared: isShared, sent: sent)
            case .occupied(let node):
                rival = try await wait(for: node, since: rival)
            }
        }
    }

    /// A row of this node's id is there: of an earlier life that was killed, or of another node.
    private func wait(
        for node: MembershipTable.ObservedNode,
        since rival: (node: MembershipTable.ObservedNode, since: Duration)?
    ) async throws -> (node: MembershipTable.ObservedNode, since: Duration) {
        let now = clock.now
        guard let rival, rival.node.member.incarnation == node.member.incarnation else {
            logger.notice(
                "waiting for the end of this node's earlier lease",
                metadata: ["node.id": "\(identity.nodeID)", "node.incarnation": "\(node.member.incarnation)"])
            await ClusterThread.shared.sleep(for: timing.retry)
            return (node, now)
        }
        guard rival.node.renewals == node.renewals else {
            throw ClusterError.duplicateNode(
                id: identity.nodeID, name: node.member.name, address: node.member.address,
                version: node.member.version)
        }
        if node.isOver, now - rival.since >= .milliseconds(node.leaseMilliseconds) {
            let table = table
            _ = try await database.write { transaction in
                try table.remove(transaction, node.member.incarnation, renewals: node.renewals)
            }
        } else {
            await ClusterThread.shared.sleep(for: timing.retry)
        }
        return rival
    }

    private func begin(
        _ incarnation: NodeIncarnation, _ sight: MembershipTable.DatabaseSight, isShared: Bool, sent: Duration
    ) async throws {
        let key = Membership.sessionKey(of: incarnation)
        let session = isShared ? try? await database.holdSessionLock(key: key) : nil
        let nodes = try await database.read { try MembershipTable.nodes($0, local: incarnation) }
        let now = clock.now
        observations.withLock { $0.note(nodes, at: now) }
        let isWanted = state.withLock { state in
            state.previous = []
            state.isShared = isShared
            guard case .joining = state.phase else {
                state.previous = [incarnation]
                return false
            }
            state.known = Dictionary(
                nodes.map { ($0.member.incarnation, $0.member) }, uniquingKeysWith: { $1 })
            state.databaseTime = (sight.now, now)
            state.phase = .member(
                MembershipLife(
                    incarnation: incarnation, isShared: isShared, timeline: sight.timeline,
                    settledFrom: now + .milliseconds(max(0, (sight.settledAt ?? 0) - sight.now)),
                    certainUntil: sent + timing.lease - timing.margin, renewalDue: sent + timing.renewal,
                    beatAt: now, session: session))
            return true
        }
        guard isWanted else {
            // The node has left in the meantime.
            let table = table
            await session?.release()
            try await database.write { _ = try table.remove($0, incarnation, renewals: nil) }
            return
        }
        logger.info("joined the cluster", metadata: ["node.incarnation": "\(incarnation)"])
        streams.tell(.joined(incarnation))
    }

    /// The key of the session lock that is a node's sign of life.
    static func sessionKey(of incarnation: NodeIncarnation) -> Int64 { -incarnation.rawValue }
}
