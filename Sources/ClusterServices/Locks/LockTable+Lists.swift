import Portable
import SharedDatabase

extension LockTable {
    /// A free lock whose row is older than this is forgotten.
    private static let keptMilliseconds: Int64 = 7 * 24 * 3_600_000

    /// The locks that somebody holds.
    static func held(
        _ transaction: DatabaseTransaction, namespace: String?, limit: Int
    ) throws -> [LockDescription] {
        let now = try transaction.now()
        return try transaction.rows(
            """
            SELECT l.namespace, l.name, l.token, l.label, l.granted_at, l.owner, n.node_id, n.name AS
                node_name,
            l.local_waiters + (SELECT COUNT(*) FROM cluster_lock_waiter w JOIN cluster_node m
            ON m.incarnation = w.owner WHERE w.namespace = l.namespace AND w.name = l.name) AS waiters
            FROM cluster_lock l JOIN cluster_node n ON n.incarnation = l.owner
            WHERE l.namespace = COALESCE(?, l.namespace) ORDER BY l.namespace, l.name LIMIT ?
            """, [.optional(namespace), .integer(Int64(limit))]
        ).map { row in
            LockDescription(
                name: LockName(namespace: try row.text("namespace"), name: try row.text("name")),
                token: try row.integer("token"), label: try row.optionalText("label"),
                nodeID: try row.text("node_id"), nodeName: try row.text("node_name"),
                incarnation: try row.id("owner"),
                ageMilliseconds: max(0, now - (try row.integer("granted_at"))),
                waiters: try row.integer("waiters"))
        }
    }

    /// The locks of dead nodes whose first waiter is one of this node's.
    static func orphans(
        _ transaction: DatabaseTransaction, waiting owner: NodeIncarnation
    ) throws -> [LockName] {
        try transaction.rows(
            """
            SELECT l.namespace, l.name FROM cluster_lock_waiter w
            JOIN cluster_lock l ON l.namespace = w.namespace AND l.name = w.name
            WHERE w.owner = ? AND NOT EXISTS (SELECT 1 FROM cluster_node n WHERE n.incarnation = l.owner)
            AND w.id = (SELECT MIN(v.id) FROM cluster_lock_waiter v JOIN cluster_node m ON m.incarnation
                = v.owner
            WHERE v.namespace = w.namespace AND v.name = w.name)
            """, [.id(owner)]
        ).map { LockName(namespace: try $0.text("namespace"), name: try $0.text("name")) }
    }

    /// Whether this node holds the lock with this token.
    func isHeld(_ transaction: DatabaseTransaction, token: Int64) throws -> Bool {
        try transaction.firstRow(
            "SELECT token FROM cluster_lock WHERE namespace = ? AND name = ? AND owner = ? AND token = ?",
            [.text(name.namespace), .text(name.name), .id(owner), .integer(token)]) != nil
    }

    /// Tells how many wait in this node's memory.
    func show(_ transaction: DatabaseTransaction, waiters: Int, token: Int64) throws {
        try transaction.execute(
            """
            UPDATE cluster_lock SET local_waiters = ? WHERE namespace = ? AND name = ? AND owner = ? AND
                token = ?
            """,
            [
                .integer(Int64(waiters)), .text(name.namespace), .text(name.name), .id(owner),
                .integer(token),
            ])
    }

    /// Forgets locks that were not used for long. Their tokens stay behind: what is deleted was below the
    /// floor before, so that nobody who is about to make such a row anew can have missed the floor.
    static func sweep(_ transaction: DatabaseTransaction, now: Int64) throws {
        let limit = DatabaseValue.integer(now - keptMilliseconds)
        try transaction.execute(
            """
            DELETE FROM cluster_lock WHERE owner IS NULL AND contended = 0 AND granted_at < ?
            AND token <= (SELECT token_floor FROM cluster_state WHERE id = 1)
            """, [limit])
        try transaction.execute(
            """
            UPDATE cluster_state SET token_floor = (SELECT COALESCE(MAX(token), 0) FROM cluster_lock
            WHERE owner IS NULL AND contended = 0 AND granted_at < ?)
            WHERE id = 1 AND token_floor < (SELECT COALESCE(MAX(token), 0) FROM cluster_lock
            WHERE owner IS NULL AND contended = 0 AND granted_at < ?)
            """, [limit, limit])
    }
}
