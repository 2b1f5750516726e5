import SharedDatabase

/// One incarnation as its own node sees it. Times are of the node's boot-time clock.
struct MembershipLife {
    let incarnation: NodeIncarnation
    /// Whether other processes watch this node's session.
    let isShared: Bool
    /// The database's history that the lease was last renewed in.
    var timeline: Int64
    /// From then on no lock is held by somebody who was granted it in a history that the database has lost.
    var settledFrom: Duration
    /// The lease is certain before this: counted from before the last renewal was sent.
    var certainUntil: Duration
    /// When the next renewal is due.
    var renewalDue: Duration
    /// When this node last saw that its session is in order.
    var beatAt: Duration
    /// The session has been lost, or nobody looked after it for too long: the next renewal decides.
    var isDoubted = false
    /// The sign of life that others see end at once when the process dies.
    var session: SessionLock?

    /// Whether no other node can have taken this one for dead.
    func isCertain(at now: Duration, beatLimit: Duration) -> Bool {
        now < certainUntil && !isDoubted && !(isWatched && now - beatAt >= beatLimit)
    }

    /// Looks after the session.
    mutating func beat(at now: Duration, beatLimit: Duration) {
        guard isWatched else { return }
        if session?.isHeld != true || now - beatAt >= beatLimit {
            if !isDoubted { renewalDue = now }
            isDoubted = true
        }
        beatAt = now
    }

    /// The renewal that was sent then has been committed.
    mutating func extend(sent: Duration, timing: MembershipTiming) {
        certainUntil = max(certainUntil, sent + timing.lease - timing.margin)
        renewalDue = sent + timing.renewal
        if session?.isHeld == true || !isWatched { isDoubted = false }
    }

    /// Whether others may take the end of the session for the death of the node: once they have seen it.
    private var isWatched: Bool { isShared && session != nil }
}
