import Portable
import SharedDatabase

/// The statements on tables `cluster_lock` and `cluster_lock_waiter`, each within the caller's transaction.
///
/// Whoever changes a lock's waiters has locked the lock's row first. Whether an owner lives is asked in a
/// statement after that one: it then sees the node of every owner that it can meet.
struct LockTable: Sendable {
    /// A lock that has been granted to a waiter.
    struct Grant: Sendable {
        let owner: NodeIncarnation
        let row: Int64
        let token: Int64
    }

    enum Acquisition: Sendable {
        case granted(token: Int64)
        case queued(row: Int64)
        case taken
        /// Nothing may be granted for now: the database goes on with another history.
        case unsettled
    }

    /// What the rows say, after what was wrong has been put right.
    struct Reconciliation: Sendable {
        var holder: NodeIncarnation?
        var token: Int64 = 0
        var rows: Set<Int64> = []
        var granted: Grant?
    }

    /// Where notifications about locks go.
    static let channel = "perigee_locks"

    let name: LockName
    let owner: NodeIncarnation
    /// The database's history as this node knows it.
    let timeline: Int64
    /// The database's time as far as it is known, for what people read.
    let now: Int64

    private var key: [DatabaseValue] { [.text(name.namespace), .text(name.name)] }

    // MARK: - Taking

    /// Takes the lock if nobody has it, with one statement.
    func take(_ transaction: DatabaseTransaction, label: String?) throws -> Int64? {
        try transaction.firstRow(
            """
            INSERT INTO cluster_lock AS l
            (namespace, name, token, owner, label, granted_at, contended, local_waiters)
            SELECT ?, ?,
            CASE WHEN s.token_floor >= (s.timeline << 40) THEN s.token_floor ELSE (s.timeline << 40) END + 1,
            n.incarnation, ?, ?, 0, 0 FROM cluster_state s JOIN cluster_node n ON n.incarnation = ?
            WHERE s.id = 1 AND s.timeline = ? AND s.timeline = \(transaction.timelineExpression)
            ON CONFLICT (namespace, name) DO UPDATE SET
            token = CASE WHEN l.token >= excluded.token THEN l.token + 1 ELSE excluded.token END,
            owner = excluded.owner, label = excluded.label, granted_at = excluded.granted_at,
                local_waiters = 0
            WHERE l.contended = 0 AND (l.owner IS NULL OR l.owner = excluded.owner)
            RETURNING token
            """, key + [.optional(label), .integer(now), .id(owner), .integer(timeline)]
        )?.integer("token")
    }

    /// As ``take(_:label:)`` where that came to nothing: from a dead owner, or a place in the queue.
    func takeOrWait(
        _ transaction: DatabaseTransaction, label: String?, isTry: Bool, mayGrant: Bool
    ) throws -> Acquisition {
        guard let lock = try lockRow(transaction), try isCurrent(transaction) else { return .unsettled }
        let first = try firstWaiter(transaction)
        let isFree = try lock.owner == owner || !lives(transaction, lock.owner)
        if isFree, first == nil {
            guard mayGrant, let token = try grant(transaction, to: owner, label: label) else {
                return .unsettled
            }
            return .granted(token: token)
        }
        if isFree, mayGrant { _ = try grantNext(transaction) }
        guard !isTry else { return .taken }
        let row = try wait(transaction, label: label)
        try transaction.execute(
            "UPDATE cluster_lock SET contended = 1 WHERE namespace = ? AND name = ? AND contended = 0", key)
        if let holder = lock.owner, holder != owner { try tell(transaction, "waiting", holder, row, 0) }
        return .queued(row: row)
    }

    /// Places in the queue, in this order.
    func enqueue(_ transaction: DatabaseTransaction, labels: [String?]) throws -> [Int64] {
        try transaction.execute(
            "UPDATE cluster_lock SET contended = 1 WHERE namespace = ? AND name = ?", key)
        return try labels.map { try wait(transaction, label: $0) }
    }

    /// Gives places up.
    /// - Returns: Those that were there; the others have been granted the lock.
    func withdraw(_ transaction: DatabaseTransaction, _ rows: [Int64]) throws -> Set<Int64> {
        _ = try lockRow(transaction)
        return try Set(
            rows.filter {
                try transaction.execute("DELETE FROM cluster_lock_waiter WHERE id = ?", [.integer($0)]) == 1
            })
    }

    // MARK: - Giving

    /// Grants the lock anew to the same node.
    /// - Returns: `nil` when it is not held with this token, or somebody on another node waits who came
    ///   first.
    func pass(
        _ transaction: DatabaseTransaction, token: Int64, label: String?, isAhead: Bool
    ) throws -> Int64? {
        try transaction.firstRow(
            """
            UPDATE cluster_lock SET token = \(nextToken(transaction)), label = ?, granted_at = ?
            WHERE namespace = ? AND name = ? AND owner = ? AND token = ? AND contended <= ? RETURNING token
            """,
            [.optional(label), .integer(now)] + key + [
                .id(owner), .integer(token), .integer(isAhead ? 1 : 0),
            ]
        )?.integer("token")
    }

    /// Gives the lock back if nobody waits.
    func release(_ transaction: DatabaseTransaction, token: Int64) throws -> Bool {
        try transaction.execute(
            """
            UPDATE cluster_lock SET owner = NULL, label = NULL, local_waiters = 0
            WHERE namespace = ? AND name = ? AND owner = ? AND token = ? AND contended = 0
            """, key + [.id(owner), .integer(token)]) == 1
    }

    /// Gives the lock to the first that waits, or back: at most four statements when all have their places.
    /// - Parameter labels: Of those here that have no place yet.
    /// - Returns: Their places, and to whom it was given.
    func handOff(
        _ transaction: DatabaseTransaction, token: Int64, labels: [String?]
    ) throws -> (rows: [Int64], grant: Grant?) {
        let isOurs =
            try transaction.execute(
                """
                UPDATE cluster_lock SET local_waiters = 0
                WHERE namespace = ? AND name = ? AND owner = ? AND token = ?
                """, key + [.id(owner), .integer(token)]) == 1
        let rows = labels.isEmpty ? [] : try enqueue(transaction, labels: labels)
        return (rows, isOurs ? try grantNext(transaction) : nil)
    }

    /// Gives a lock whose row is locked to the first that waits and lives, or to nobody.
    func grantNext(_ transaction: DatabaseTransaction) throws -> Grant? {
        guard let first = try takeFirstWaiter(transaction) else {
            try transaction.execute(
                """
                UPDATE cluster_lock SET owner = NULL, label = NULL, contended = 0
                WHERE namespace = ? AND name = ?
                """, key)
            return nil
        }
        guard let token = try grant(transaction, to: first.owner, label: first.label) else {
            throw DatabaseError.statement(message: "the row of a lock is gone", sql: nil)
        }
        try tell(transaction, "granted", first.owner, first.row, token)
        return Grant(owner: first.owner, row: first.row, token: token)
    }

    /// Takes the lock away from whoever has it; the next one is granted it. No write under the old token
    /// passes.
    func breakLock(_ transaction: DatabaseTransaction) throws -> Bool {
        guard let lock = try lockRow(transaction), let holder = lock.owner else { return false }
        try transaction.execute(
            """
            UPDATE cluster_lock SET owner = NULL, token = \(nextToken(transaction)) WHERE namespace = ?
                AND name = ?
            """, key)
        try tell(transaction, "broken", holder, 0, lock.token)
        _ = try grantNext(transaction)
        return true
    }

    // MARK: - Looking

    /// Reads what is so, and puts right what nobody else would: a dead owner, and a grant that nobody here
    /// knows of.
    /// - Parameters:
    ///   - held: The token that this node holds the lock with.
    ///   - waiting: The places of this node's waiters, in their order.
    func reconcile(
        _ transaction: DatabaseTransaction, held: Int64?, waiting: [Int64], mayGrant: Bool
    ) throws -> Reconciliation {
        var result = Reconciliation()
        guard let lock = try lockRow(transaction) else { return result }
        let mayGrant = try mayGrant && isCurrent(transaction)
        (result.holder, result.token) = (lock.owner, lock.token)
        result.rows = try Set(
            transaction.rows(
                "SELECT id FROM cluster_lock_waiter WHERE namespace = ? AND name = ? AND owner = ?",
                key + [.id(owner)]
            ).map { try $0.integer("id") })
        if lock.owner == owner, lock.token != held {
            // Granted to one of ours, and the notification was lost.
            if let row = waiting.first(where: { !result.rows.contains($0) }) {
                result.granted = Grant(owner: owner, row: row, token: lock.token)
            } else if mayGrant {
                result.granted = try grantNext(transaction)
            }
        } else if mayGrant, lock.owner != owner, try !lives(transaction, lock.owner) {
            result.granted = try grantNext(transaction)
        }
        return result
    }

    /// Locks the lock's row.
    private func lockRow(
        _ transaction: DatabaseTransaction
    ) throws -> (token: Int64, owner: NodeIncarnation?)? {
        let row = try transaction.firstRow(
            "SELECT token, owner FROM cluster_lock WHERE namespace = ? AND name = ?\(transaction.forUpdate)",
            key)
        return try row.map { (try $0.integer("token"), try $0.optionalID("owner")) }
    }

    /// Whether this node lives in the history that it knows of. A grant in another one might be the second.
    private func isCurrent(_ transaction: DatabaseTransaction) throws -> Bool {
        try transaction.firstRow(
            """
            SELECT s.id FROM cluster_state s JOIN cluster_node n ON n.incarnation = ?
            WHERE s.id = 1 AND s.timeline = ? AND s.timeline = \(transaction.timelineExpression)
            """, [.id(owner), .integer(timeline)]) != nil
    }

    private func lives(_ transaction: DatabaseTransaction, _ incarnation: NodeIncarnation?) throws -> Bool {
        guard let incarnation else { return false }
        return try transaction.firstRow(
            "SELECT incarnation FROM cluster_node WHERE incarnation = ?", [.id(incarnation)]) != nil
    }

    private func grant(
        _ transaction: DatabaseTransaction, to incarnation: NodeIncarnation, label: String?
    ) throws -> Int64? {
        try transaction.firstRow(
            """
            UPDATE cluster_lock SET token = \(nextToken(transaction)), owner = ?, label = ?, granted_at = ?,
            local_waiters = 0 WHERE namespace = ? AND name = ? RETURNING token
            """, [.id(incarnation), .optional(label), .integer(now)] + key
        )?.integer("token")
    }

    private func nextToken(_ transaction: DatabaseTransaction) -> String {
        let base = "(\(transaction.timelineExpression) << 40)"
        return "CASE WHEN token >= \(base) THEN token + 1 ELSE \(base) + 1 END"
    }

    private func wait(_ transaction: DatabaseTransaction, label: String?) throws -> Int64 {
        try transaction.insert(
            """
            INSERT INTO cluster_lock_waiter (namespace, name, owner, label, since) VALUES (?, ?, ?, ?, ?)
            RETURNING id
            """, key + [.id(owner), .optional(label), .integer(now)])
    }

    private static let firstLiving =
        """
        SELECT w.id FROM cluster_lock_waiter w JOIN cluster_node n ON n.incarnation = w.owner
        WHERE w.namespace = ? AND w.name = ? ORDER BY w.id LIMIT 1
        """

    private func firstWaiter(_ transaction: DatabaseTransaction) throws -> Int64? {
        try transaction.firstRow(LockTable.firstLiving, key)?.integer("id")
    }

    private func takeFirstWaiter(
        _ transaction: DatabaseTransaction
    ) throws -> (row: Int64, owner: NodeIncarnation, label: String?)? {
        while true {
            let row = try transaction.firstRow(
                """
                DELETE FROM cluster_lock_waiter WHERE id = (\(LockTable.firstLiving)) RETURNING id,
                    owner, label
                """, key)
            if let row {
                return (try row.integer("id"), try row.id("owner"), try row.optionalText("label"))
            }
            // The end of a node takes its places away without locking the lock's row: then there may be
            // others.
            guard transaction.isShared, try firstWaiter(transaction) != nil else { return nil }
        }
    }

    private func tell(
        _ transaction: DatabaseTransaction, _ what: String, _ incarnation: NodeIncarnation, _ row: Int64,
        _ token: Int64
    ) throws {
        try transaction.notify(
            LockTable.channel, LockSignal.payload(what, incarnation, row: row, token: token, name))
    }
}
