/// What a node has seen of the others, by its own boot-time clock. It trusts nobody's wall clock.
struct NodeObservations {
    private struct Sight {
        var renewals: Int64
        /// Since when the row has been as it is.
        var since: Duration
        /// Whether the node's session has been seen, by this one's session without a break.
        var wasInSession = false
        /// Since when the session is missing.
        var missingSince: Duration?
    }

    private var sights: [NodeIncarnation: Sight] = [:]

    /// Takes note of the rows as they are now.
    mutating func note(_ nodes: [MembershipTable.ObservedNode], at now: Duration) {
        var seen: [NodeIncarnation: Sight] = [:]
        for node in nodes {
            let id = node.member.incarnation
            var sight = sights[id] ?? Sight(renewals: node.renewals, since: now)
            if sight.renewals != node.renewals { (sight.renewals, sight.since) = (node.renewals, now) }
            seen[id] = sight
        }
        sights = seen
    }

    /// Whether the node has been silent for its whole lease, and the database says so too.
    func isSilent(_ node: MembershipTable.ObservedNode, at now: Duration) -> Bool {
        guard let sight = sights[node.member.incarnation] else { return false }
        return node.isOver && now - sight.since >= .milliseconds(node.leaseMilliseconds)
    }

    /// Takes note of whether a node's session is there.
    /// - Returns: Whether it was there before, and has been missing for the time of grace.
    mutating func noteSession(
        of id: NodeIncarnation, isHeld: Bool, at now: Duration, grace: Duration
    ) -> Bool {
        guard var sight = sights[id] else { return false }
        defer { sights[id] = sight }
        guard !isHeld else {
            (sight.wasInSession, sight.missingSince) = (true, nil)
            return false
        }
        guard sight.wasInSession else { return false }
        let since = sight.missingSince ?? now
        sight.missingSince = since
        return now - since >= grace
    }

    /// Of how many nodes the session is seen at the moment.
    var sessionCount: Int { sights.values.count { $0.wasInSession && $0.missingSince == nil } }

    /// The own session has ended: the database itself may have gone away, and taken all sessions with it.
    mutating func forgetSessions() {
        for id in sights.keys {
            sights[id]?.wasInSession = false
            sights[id]?.missingSince = nil
        }
    }
}
