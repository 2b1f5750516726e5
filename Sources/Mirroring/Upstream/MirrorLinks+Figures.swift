internal import Portable
internal import SharedDatabase

/// What the upstream shows of a mirror's node in its figures.
struct MirrorNodeFigures: Sendable {
    let mirror: String
    let name: String
    /// Whether it is in touch and has everything.
    let isServing: Bool
    /// As it says itself.
    let waiting: Int64
    /// As it says itself.
    let behindMilliseconds: Int64
    /// Since it was heard of.
    let silenceMilliseconds: Int64
    /// Its clock minus this one's.
    let clockMilliseconds: Int64
}

extension MirrorLinks {
    /// Of every node of every mirror.
    func figures() async throws -> [MirrorNodeFigures] {
        try await tables.read { transaction in
            let now = try transaction.now()
            return try transaction.rows(
                """
                SELECT mirror_id, name, state, waiting, behind, seen_at, clock_offset FROM mirror_node
                ORDER BY mirror_id, node_id
                """
            ).map { row in
                let seen = try row.integer("seen_at")
                let isAlive = seen > now - MirrorNode.leaseMilliseconds
                return MirrorNodeFigures(
                    mirror: try row.text("mirror_id"), name: try row.text("name"),
                    isServing: try isAlive && row.text("state") == MirrorNodeState.synchronized.rawValue,
                    waiting: try row.integer("waiting"), behindMilliseconds: try row.integer("behind"),
                    silenceMilliseconds: max(0, now - seen),
                    clockMilliseconds: try row.integer("clock_offset"))
            }
        }
    }
}
