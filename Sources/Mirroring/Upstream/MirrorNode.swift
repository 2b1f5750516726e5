internal import Portable
internal import SharedDatabase

/// How far a mirror's node is; the raw value is what clients see.
/// - Source: Bitbucket's `/status` of mirrors: `BOOTSTRAPPED`, `METADATA_SYNCHRONIZED`, `SYNCHRONIZED`.
package enum MirrorNodeState: String, Sendable, Hashable, CaseIterable {
    /// It has not compared anything yet.
    case bootstrapped = "BOOTSTRAPPED"
    /// It knows which repositories there are, and fetches.
    case metadataSynchronized = "METADATA_SYNCHRONIZED"
    /// It has everything; others wait for it.
    case synchronized = "SYNCHRONIZED"
    /// It did not keep up, and compares anew before it serves again.
    case behind = "BEHIND"
}

/// One node of a mirror as the upstream knows it.
package struct MirrorNode: Sendable, Hashable {
    /// As it calls itself; unique in its farm.
    package let id: String
    /// What people read.
    package let name: String
    /// Where its fellows find it: a URL.
    package let address: String
    /// Of Perigee.
    package let version: String
    /// How far it is.
    package let state: MirrorNodeState
    /// Its clock minus the upstream's, in milliseconds.
    package let clockOffset: Int64
    /// When it asked for the first time since its start, in milliseconds since 1970. It compares everything
    /// then, and is told of what came later only.
    package let joinedMilliseconds: Int64
    /// When it was heard of last.
    package let seenMilliseconds: Int64
    /// Whether its lease is running.
    package let isAlive: Bool

    /// How long a node counts after it was heard of, in milliseconds.
    package static let leaseMilliseconds: Int64 = 10_000

    static let columns = """
        n.node_id AS node_id, n.name AS name, n.address AS address, n.version AS version, \
        n.state AS state, n.clock_offset AS clock_offset, n.joined_at AS joined_at, n.seen_at AS seen_at
        """

    init(row: DatabaseRow, now: Int64) throws(DatabaseError) {
        id = try row.text("node_id")
        name = try row.text("name")
        address = try row.text("address")
        version = try row.text("version")
        state = MirrorNodeState(rawValue: try row.text("state")) ?? .bootstrapped
        clockOffset = try row.integer("clock_offset")
        joinedMilliseconds = try row.integer("joined_at")
        seenMilliseconds = try row.integer("seen_at")
        isAlive = seenMilliseconds > now - Self.leaseMilliseconds
    }

    /// Whether a change waits for it.
    var isAwaited: Bool { isAlive && state == .synchronized }
}

extension DatabaseTransaction {
    /// The nodes of a mirror, by their ids.
    func mirrorNodes(_ mirror: MirrorID) throws(DatabaseError) -> [MirrorNode] {
        let now = try now()
        return try rows(
            "SELECT \(MirrorNode.columns) FROM mirror_node AS n WHERE n.mirror_id = ? ORDER BY n.node_id",
            [.text(mirror.rawValue)]
        ).map { (row) throws(DatabaseError) in try MirrorNode(row: row, now: now) }
    }
}
