import Glibc
package import Logging
package import SharedDatabase
import Synchronization

/// This node's part in the cluster: one lease in the database, that everything which the node holds hangs on.
///
/// A node is a row of table `cluster_node`. Its lease is renewed at each third of its length, from a thread
/// of its own. The node believes in it by its boot-time clock, counted from before the renewal was sent, and
/// stops a tenth before others may take it for dead. They do when, by their own boot-time clock, they have
/// seen no renewal for a lease and it is over by the database's clock too; or when the node's session with
/// the database has ended and was not opened again within 1.2 s, which is how long a killed process is
/// missed. A node that loses its session for another reason opens it anew; until then it does not believe in
/// its lease.
///
/// An incarnation that has ended is never used again: the node drops what it held and joins with the next
/// one.
package final class Membership: Sendable {
    struct State {
        var phase = Phase.outside
        var known: [NodeIncarnation: ClusterMember] = [:]
        /// Ended incarnations of this object whose rows may still be there.
        var previous: Set<NodeIncarnation> = []
        var httpPort: Int?
        var isShared = false
        var isRenewing = false
        var isWatching = false
        var watchDue: Duration = .zero
        /// What the database's clock last said, and when that was by this node's.
        var databaseTime: (milliseconds: Int64, at: Duration) = (0, .zero)
        var heart: Task<Void, Never>?
        var listener: Task<Void, Never>?
        var checks: [@Sendable (_ timeline: Int64) async -> Void] = []
    }

    enum Phase {
        /// Not yet, or not any more.
        case outside
        case member(MembershipLife)
        /// The lease was lost; the node joins anew not before this.
        case lost(retryAt: Duration, attempts: Int)
        case joining
        case left
    }

    let database: SharedDatabase
    let table: MembershipTable
    let timing: MembershipTiming
    let clock: BootClock
    let logger: Logger
    let streams = MembershipStreams()
    let state = Mutex(State())
    let observations = Mutex(NodeObservations())

    /// A node that has not joined yet.
    /// - Parameters:
    ///   - database: Migrated. Of its own for the membership where others' work may occupy a pool.
    ///   - identity: What the others get to know.
    ///   - leaseDuration: How long a silent node is waited for; 10 s unless told. The same on all nodes.
    ///   - clock: The system's, unless a test has another one.
    package init(
        database: SharedDatabase, identity: NodeDescription, leaseDuration: Duration = .seconds(10),
        logger: Logger = Logger(label: "perigee.cluster"), clock: BootClock = .system
    ) {
        self.database = database
        timing = MembershipTiming(lease: leaseDuration)
        table = MembershipTable(identity: identity, leaseMilliseconds: timing.leaseMilliseconds)
        self.logger = logger
        self.clock = clock
        state.withLock { $0.httpPort = identity.httpPort }
    }

    deinit {
        state.withLock { $0 }.heart?.cancel()
        state.withLock { $0 }.listener?.cancel()
    }

    /// The tables that membership and locks need, for ``SharedDatabase/migrate(_:)``.
    package static let migrations: [Migration] = ClusterMigrations.membership

    /// What this node tells about itself.
    package var identity: NodeDescription { table.identity }

    /// The incarnation, while the lease is certain.
    /// - Throws: ``ClusterError/notMember``, also for the moment that it takes to make sure of a lease in
    ///   doubt.
    package func incarnation() throws(ClusterError) -> NodeIncarnation {
        let now = clock.now
        let current: NodeIncarnation? = state.withLock { state in
            guard case .member(let life) = state.phase else { return nil }
            return life.isCertain(at: now, beatLimit: timing.beatLimit) ? life.incarnation : nil
        }
        guard let current else { throw .notMember }
        return current
    }

    /// As ``incarnation()``, but waits while the node is about to join or to make sure of its lease.
    /// - Parameter limit: How long; a lease unless told.
    /// - Throws: ``ClusterError/notMember`` after that, and at once when the node has not joined or has left.
    package func certainIncarnation(
        within limit: Duration? = nil
    ) async throws(ClusterError) -> NodeIncarnation {
        let end = BootClock.system.now + (limit ?? timing.lease)
        while true {
            do {
                return try incarnation()
            } catch {
                guard state.withLock({ $0.phase.isBoundToReturn }), BootClock.system.now < end,
                    !Task.isCancelled
                else { throw error }
            }
            await ClusterThread.shared.sleep(for: .milliseconds(20))
        }
    }

    /// Whether the lease is certain.
    package var isMember: Bool { (try? incarnation()) != nil }

    /// The changes from now on. It ends when the node has left, or with the reader's task.
    package func changes() -> AsyncStream<MembershipChange> { streams.add() }

    /// The nodes of the cluster, the eldest first.
    /// - Throws: `DatabaseError`.
    package func members() async throws -> [ClusterMember] {
        let local = lastIncarnation
        return try await database.read { transaction in
            try MembershipTable.nodes(transaction, local: local).map(\.member)
        }
    }

    /// The nodes as this one last saw them, without asking the database; the eldest first.
    package var lastSeenMembers: [ClusterMember] {
        state.withLock { $0.known.values.sorted { $0.incarnation < $1.incarnation } }
    }

    /// About what the database's clock says, without asking it: for what people read, and for nothing else.
    var approximateDatabaseTime: Int64 {
        let now = clock.now
        return state.withLock {
            $0.databaseTime.milliseconds + Int64((now - $0.databaseTime.at) / .milliseconds(1))
        }
    }

    /// The incarnation, certain or not, that has not ended yet as far as this node knows.
    var lastIncarnation: NodeIncarnation? { state.withLock { $0.phase.incarnation } }

    /// Whether an incarnation has ended. One whose lease is only in doubt has not: its session was lost, or
    /// this process was late, and the next renewal tells.
    func hasEnded(_ incarnation: NodeIncarnation) -> Bool {
        let now = clock.now
        return state.withLock { state in
            guard case .member(let life) = state.phase, life.incarnation == incarnation else { return true }
            return now >= life.certainUntil
        }
    }

    /// The database's history as of the last renewal.
    var timeline: Int64 {
        state.withLock { if case .member(let life) = $0.phase { life.timeline } else { 0 } }
    }

    /// Whether the database's history is old enough for anything to be granted: after a failover that lost
    /// commits, those who were granted something in them have noticed it by then.
    var isSettled: Bool {
        let now = clock.now
        return state.withLock { state in
            guard case .member(let life) = state.phase else { return false }
            return now >= life.settledFrom
        }
    }

    /// Makes sure of the lease now rather than when it is due.
    func renewSoon() {
        let now = clock.now
        state.withLock { state in
            guard case .member(var life) = state.phase else { return }
            life.renewalDue = now
            state.phase = .member(life)
        }
        beat()
    }

    /// Whether this node sees the sessions of so many others, and would miss them if they died: for tests.
    package func seesSessions(of count: Int) -> Bool { observations.withLock { $0.sessionCount >= count } }

    /// Lets the next renewal tell where the HTTP server listens.
    package func announce(httpPort: Int) {
        state.withLock { $0.httpPort = httpPort }
        renewSoon()
    }

    /// Calls the body each time when the database goes on with another history, before this node believes in
    /// its lease by what that history says: the place to look up what was held in the old one.
    func checkHistory(_ body: @escaping @Sendable (_ timeline: Int64) async -> Void) {
        state.withLock { $0.checks.append(body) }
    }

    static var load: Double {
        var load = 0.0
        return getloadavg(&load, 1) == 1 ? load : 0
    }
}

extension Membership.Phase {
    var incarnation: NodeIncarnation? {
        if case .member(let life) = self { life.incarnation } else { nil }
    }

    var isBoundToReturn: Bool {
        switch self {
        case .member, .lost, .joining: true
        case .outside, .left: false
        }
    }
}
