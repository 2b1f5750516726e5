/// How long the parts of a membership take, all from the length of the lease.
struct MembershipTiming: Sendable {
    /// How long a lease lasts from a renewal on.
    let lease: Duration
    /// A node stops to believe in its lease this long before the others may take it for dead: room for clocks
    /// that do not run alike, and for telling those who hold something.
    var margin: Duration { lease / 10 }
    /// From one renewal to the next.
    var renewal: Duration { lease / 3 }
    /// From an attempt to renew that came to nothing to the next.
    var retry: Duration { lease / 20 }
    /// How long the session of a node may be missing before others take the node for dead.
    let grace: Duration = .milliseconds(1_200)
    /// A node whose own thread has not looked after its session for so long asks the database before it
    /// believes in its lease again: it may have been asleep, and others may have seen its session end.
    let beatLimit: Duration = .milliseconds(750)

    /// From one look at the own lease to the next.
    func beat(isShared: Bool) -> Duration {
        min(lease / 20, .milliseconds(isShared ? 100 : 500))
    }

    /// From one look at the other nodes to the next.
    func watch(isShared: Bool) -> Duration {
        min(lease / 4, .milliseconds(isShared ? 300 : 1_000))
    }

    var leaseMilliseconds: Int64 { Int64(lease / .milliseconds(1)) }
}
