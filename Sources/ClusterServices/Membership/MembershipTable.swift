import Portable
import SharedDatabase

/// The statements on tables `cluster_state` and `cluster_node`, each within the caller's transaction.
struct MembershipTable {
    /// What a transaction that joins has come to.
    enum Joining: Sendable {
        case joined(NodeIncarnation, DatabaseSight, isShared: Bool)
        /// A node with this id has a row; it may be dead.
        case occupied(ObservedNode)
    }

    /// What a transaction has seen of the database itself.
    struct DatabaseSight: Sendable {
        /// Which history it is.
        let timeline: Int64
        let now: Int64
        /// When that history is old enough for locks to be granted; `nil` when nothing has changed.
        let settledAt: Int64?
    }

    /// A row as an observer sees it.
    struct ObservedNode: Sendable {
        let member: ClusterMember
        let renewals: Int64
        let leaseUntil: Int64
        let leaseMilliseconds: Int64
        let now: Int64

        /// Whether the lease is over by the database's clock; also when it ends so late that this clock must
        /// have been set back.
        var isOver: Bool { leaseUntil <= now || leaseUntil - now > 2 * leaseMilliseconds }
    }

    /// Where notifications about nodes go.
    static let channel = "perigee_cluster"
    private static let columns =
        """
        incarnation, node_id, name, address, http_port, version, generation, joined_at, lease_ms, lease_until,
        renewed_at, renewals, load
        """

    let identity: NodeDescription
    let leaseMilliseconds: Int64

    /// Takes the node's row, or says why not. Joins follow one another: each locks the row of the cluster.
    func join(_ transaction: DatabaseTransaction, load: Double) throws -> Joining {
        let now = try transaction.now()
        let timeline = try transaction.timeline()
        let (last, settledAt) = try settle(transaction, timeline: timeline, now: now)
        for row in try transaction.rows("SELECT \(MembershipTable.columns), origin FROM cluster_node") {
            let node = try MembershipTable.observed(row, now: now, local: nil)
            if node.member.nodeID == identity.nodeID {
                guard let origin = identity.origin, try row.optionalText("origin") == origin else {
                    return .occupied(node)
                }
                _ = try remove(transaction, node.member.incarnation, renewals: nil)
            } else if !node.isOver {
                try check(node.member, generation: try row.integer("generation"))
            }
        }
        let base = timeline << 40
        let incarnation = NodeIncarnation(max(last, base) + 1)
        try transaction.execute(
            "UPDATE cluster_state SET last_incarnation = ? WHERE id = 1", [.id(incarnation)])
        try transaction.execute(
            """
            INSERT INTO cluster_node (incarnation, node_id, name, address, http_port, version,
                generation, origin,
            joined_at, lease_ms, lease_until, renewed_at, renewals, load)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)
            """,
            [
                .id(incarnation), .text(identity.nodeID), .text(identity.name), .optional(identity.address),
                .optional(identity.httpPort.map(Int64.init)), .text(identity.version),
                .integer(identity.generation), .optional(identity.origin), .integer(now),
                .integer(leaseMilliseconds), .integer(now + leaseMilliseconds), .integer(now), .real(load),
            ])
        try transaction.notify(MembershipTable.channel, "joined \(incarnation)")
        let sight = DatabaseSight(timeline: timeline, now: now, settledAt: settledAt)
        return .joined(incarnation, sight, isShared: transaction.isShared)
    }

    /// Extends the lease.
    /// - Returns: `nil` when the row is gone.
    func renew(
        _ transaction: DatabaseTransaction, _ incarnation: NodeIncarnation, httpPort: Int?, load: Double,
        timeline known: Int64
    ) throws -> DatabaseSight? {
        let now = try transaction.now()
        let timeline = try transaction.timeline()
        let settledAt =
            timeline == known ? nil : try settle(transaction, timeline: timeline, now: now).settledAt
        let count = try transaction.execute(
            """
            UPDATE cluster_node SET lease_until = ?, renewed_at = ?, renewals = renewals + 1, http_port =
                ?, load = ?
            WHERE incarnation = ?
            """,
            [
                .integer(now + leaseMilliseconds), .integer(now), .optional(httpPort.map(Int64.init)),
                .real(load), .id(incarnation),
            ])
        return count == 1 ? DatabaseSight(timeline: timeline, now: now, settledAt: settledAt) : nil
    }

    /// Ends a node's life, if it has not renewed its lease since `renewals` was read.
    /// - Returns: Whether the row was there.
    func remove(
        _ transaction: DatabaseTransaction, _ incarnation: NodeIncarnation, renewals: Int64?
    ) throws -> Bool {
        let count = try transaction.execute(
            "DELETE FROM cluster_node WHERE incarnation = ? AND renewals = COALESCE(?, renewals)",
            [.id(incarnation), .optional(renewals)])
        guard count == 1 else { return false }
        try transaction.execute("DELETE FROM cluster_lock_waiter WHERE owner = ?", [.id(incarnation)])
        try transaction.notify(MembershipTable.channel, "removed \(incarnation)")
        return true
    }

    /// All nodes, in the order of their incarnations.
    static func nodes(_ transaction: DatabaseTransaction, local: NodeIncarnation?) throws -> [ObservedNode] {
        let now = try transaction.now()
        return try transaction.rows("SELECT \(columns) FROM cluster_node ORDER BY incarnation")
            .map { try observed($0, now: now, local: local) }
    }

    /// Locks the cluster's row, makes it at the first join, and notes a change of the database's history.
    private func settle(
        _ transaction: DatabaseTransaction, timeline: Int64, now: Int64
    ) throws -> (lastIncarnation: Int64, settledAt: Int64) {
        try transaction.execute(
            """
            INSERT INTO cluster_state (id, home_id, timeline, settled_at, last_incarnation, token_floor)
            VALUES (1, ?, ?, ?, 0, 0) ON CONFLICT (id) DO NOTHING
            """, [.text(identity.sharedHomeID), .integer(timeline), .integer(now)])
        let row = try transaction.firstRow(
            """
            SELECT home_id, timeline, settled_at, last_incarnation FROM cluster_state
            WHERE id = 1\(transaction.forUpdate)
            """)
        guard let row else { throw DatabaseError.statement(message: "no row came back", sql: nil) }
        let home = try row.text("home_id")
        guard home == identity.sharedHomeID else {
            throw ClusterError.otherHome(ours: identity.sharedHomeID, cluster: home)
        }
        var settledAt = try row.integer("settled_at")
        if try row.integer("timeline") != timeline {
            let longest = try transaction.firstRow("SELECT MAX(lease_ms) AS longest FROM cluster_node")?
                .optionalInteger("longest")
            settledAt = now + max(leaseMilliseconds, longest ?? 0)
            try transaction.execute(
                "UPDATE cluster_state SET timeline = ?, settled_at = ? WHERE id = 1",
                [.integer(timeline), .integer(settledAt)])
        }
        return (try row.integer("last_incarnation"), settledAt)
    }

    private func check(_ other: ClusterMember, generation: Int64) throws(ClusterError) {
        guard abs(generation - identity.generation) > 1 else { return }
        throw .otherVersion(
            ours: identity.version, ourGeneration: identity.generation, node: other.name,
            theirs: other.version, theirGeneration: generation)
    }

    private static func observed(
        _ row: DatabaseRow, now: Int64, local: NodeIncarnation?
    ) throws -> ObservedNode {
        let incarnation = try row.id("incarnation", as: NodeIncarnation.self)
        let member = ClusterMember(
            incarnation: incarnation, nodeID: try row.text("node_id"), name: try row.text("name"),
            address: try row.optionalText("address"),
            httpPort: try row.optionalInteger("http_port").flatMap(Int.init(exactly:)),
            version: try row.text("version"), joinedAt: try row.integer("joined_at"),
            renewedAt: try row.integer("renewed_at"), load: try row.real("load"),
            isLocal: incarnation == local)
        return ObservedNode(
            member: member, renewals: try row.integer("renewals"), leaseUntil: try row.integer("lease_until"),
            leaseMilliseconds: try row.integer("lease_ms"), now: now)
    }
}
