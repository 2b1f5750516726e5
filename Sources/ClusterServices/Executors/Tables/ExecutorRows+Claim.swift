import SharedDatabase

extension ExecutorRows {
    /// A batch as it was claimed.
    struct ClaimedBatch: Sendable {
        let key: BucketKey
        let owner: Int64
        let claim: Int64
        let attempt: Int64
        var tasks: [(number: Int64, submittedAt: Int64, payload: [UInt8])] = []

        var bytes: Int64 { tasks.reduce(0) { $0 + Int64($1.payload.count) } }
    }

    /// Takes free buckets that are due by the time of the statement, those that wait longest first, with the
    /// next batch of each.
    /// - Parameters:
    ///   - owner: Who takes them: an incarnation.
    ///   - claim: Never used before by this owner.
    ///   - limit: How many buckets at most.
    ///   - readySince: Buckets that were due before are left out; 0 for none. It spares going through the
    ///     remains
    ///     of old rows while somebody keeps the database from clearing them away.
    ///   - isLast: Whether the transaction ends with this.
    /// - Returns: Them, and when it was, if there are any.
    static func claim(
        _ executor: Int64, owner: Int64, claim: Int64, limit: Int, batch: Int, readySince: Int64,
        isLast: Bool, _ transaction: DatabaseTransaction
    ) throws -> (batches: [ClaimedBatch], now: Int64?) {
        let size: [DatabaseValue] = [
            .integer(ExecutorSettings.batchBytes), .integer(Int64(min(batch, ExecutorSettings.largeBatch))),
            .integer(Int64(batch)),
        ]
        // The subquery must run once: a plan that ran it per row would take more than the limit. A free
        // bucket without a task belongs to a submission that has not committed, or has been undone.
        let lock = transaction.isShared ? " FOR UPDATE OF b SKIP LOCKED" : ""
        let now = transaction.nowExpression
        try transaction.enqueue(
            """
            WITH free AS MATERIALIZED (
            SELECT b.bucket AS bucket FROM executor_bucket b WHERE b.owner = 0 AND b.executor_id = ?
            AND b.ready_at >= ? AND b.ready_at <= \(now)
            AND EXISTS (SELECT 1 FROM cluster_node n WHERE n.incarnation = ?)
            AND (SELECT t.last_number FROM executor_tail t WHERE t.executor_id = b.executor_id
            AND t.bucket = b.bucket) >= b.head ORDER BY b.ready_at LIMIT ?\(lock))
            UPDATE executor_bucket SET owner = ?, claim = ?, attempts = executor_bucket.attempts + 1,
            batch_end = CASE WHEN executor_bucket.attempts > 0 THEN executor_bucket.batch_end
            WHEN executor_bucket.head + CASE WHEN t.bytes - executor_bucket.bytes > ? THEN ? ELSE ? END
            > t.last_number THEN t.last_number ELSE executor_bucket.head - 1
            + CASE WHEN t.bytes - executor_bucket.bytes > ? THEN ? ELSE ? END END
            FROM free, executor_tail t WHERE executor_bucket.executor_id = ?
            AND executor_bucket.bucket = free.bucket AND t.executor_id = ? AND t.bucket = free.bucket
            """,
            [
                .integer(executor), .integer(readySince), .integer(owner), .integer(Int64(limit)),
                .integer(owner), .integer(claim),
            ] + size + size + [.integer(executor), .integer(executor)])
        return try batches(executor, owner: owner, claim: claim, isLast: isLast, transaction)
    }

    private static func batches(
        _ executor: Int64, owner: Int64, claim: Int64, isLast: Bool, _ transaction: DatabaseTransaction
    ) throws -> (batches: [ClaimedBatch], now: Int64?) {
        let query = """
            SELECT \(transaction.nowExpression) AS now, b.bucket AS bucket,
            b.attempts AS attempts, t.number AS number,
            t.submitted_at AS submitted_at, t.payload AS payload FROM executor_bucket b
            JOIN executor_task t ON t.executor_id = b.executor_id AND t.bucket = b.bucket
            AND t.number >= b.head AND t.number <= b.batch_end
            WHERE b.owner = ? AND b.executor_id = ? AND b.claim = ? ORDER BY b.ready_at, b.bucket, t.number
            """
        let arguments: [DatabaseValue] = [.integer(owner), .integer(executor), .integer(claim)]
        let rows = try transaction.rows(ofAll: [(query, arguments)], isLast: isLast)[0]
        var batches: [ClaimedBatch] = []
        for row in rows {
            let key = BucketKey(executor: executor, bucket: try row.text("bucket"))
            if batches.last?.key != key {
                batches.append(
                    ClaimedBatch(key: key, owner: owner, claim: claim, attempt: try row.integer("attempts")))
            }
            batches[batches.count - 1].tasks.append(
                (try row.integer("number"), try row.integer("submitted_at"), try row.blob("payload")))
        }
        return (batches, try rows.first?.integer("now"))
    }

    /// Frees the buckets of nodes that are no more. Whether a node is, its row tells, which the others
    /// delete: by the database's clock alone, which may be set, nobody is dead.
    /// - Returns: The executors concerned, and whether there may be more.
    func sweep(limit: Int) throws -> (executors: Set<Int64>, isWhole: Bool) {
        let lock = transaction.isShared ? " FOR UPDATE OF b SKIP LOCKED" : ""
        let rows = try transaction.rows(
            """
            WITH lost AS MATERIALIZED (
            SELECT b.executor_id AS executor_id, b.bucket AS bucket FROM executor_bucket b
            WHERE b.owner > 0 AND NOT EXISTS (SELECT 1 FROM cluster_node n WHERE n.incarnation = b.owner)
            LIMIT ?\(lock))
            UPDATE executor_bucket SET owner = 0, claim = 0, ready_at = ?, error = ? FROM lost
            WHERE executor_bucket.executor_id = lost.executor_id AND executor_bucket.bucket = lost.bucket
            RETURNING executor_bucket.executor_id AS executor_id
            """,
            [.integer(Int64(limit)), .integer(now), .text(Self.interruption)])
        return (Set(try rows.map { try $0.integer("executor_id") }), rows.count < limit)
    }

    /// Frees the buckets of one claim, which nobody works on.
    /// - Returns: The executors concerned.
    func giveBack(owner: Int64, claim: Int64) throws -> Set<Int64> {
        let rows = try transaction.rows(
            """
            UPDATE executor_bucket SET owner = 0, claim = 0, ready_at = ?,
            attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END,
            batch_end = CASE WHEN attempts > 1 THEN batch_end ELSE 0 END
            WHERE owner = ? AND claim = ? RETURNING executor_id
            """, [.integer(now), .integer(owner), .integer(claim)])
        return Set(try rows.map { try $0.integer("executor_id") })
    }

    /// Whether a bucket is held by a node that is no more.
    func hasLost() throws -> Bool {
        try transaction.firstRow(
            """
            SELECT 1 AS found FROM executor_bucket b WHERE b.owner > 0 AND
            NOT EXISTS (SELECT 1 FROM cluster_node n WHERE n.incarnation = b.owner) LIMIT 1
            """) != nil
    }

    /// In how many milliseconds the free bucket that waits longest is due; `nil` when there is none.
    func nextReady(_ executor: Int64) throws -> Int64? {
        let row = try transaction.firstRow(
            """
            SELECT ready_at FROM executor_bucket WHERE owner = 0 AND executor_id = ? ORDER BY ready_at
            LIMIT 1
            """, [.integer(executor)])
        return try row.map { try $0.integer("ready_at") - now }
    }

    /// Deletes rows of buckets that no task came for after all: their submissions were undone.
    func clearEmpty(_ executor: Int64) throws {
        let rows = try transaction.rows(
            """
            SELECT bucket, head FROM executor_bucket WHERE owner = 0 AND executor_id = ? AND ready_at <= ?
            ORDER BY ready_at LIMIT 64
            """ + transaction.skipLocked, [.integer(executor), .integer(now - 60_000)])
        try close(
            try rows.map {
                (BucketKey(executor: executor, bucket: try $0.text("bucket")), try $0.integer("head"))
            }, executor: executor)
    }

    /// What is known of an attempt that the node's death cut short.
    static let interruption = "the node ended while it worked on this"
}
