import Portable
import SharedDatabase

extension ExecutorRows {
    /// The dead letters of an executor, or of all, oldest first.
    /// - Parameter after: The last one that is known; 0 for none.
    static func deadLetters(
        executor: Int64?, after: Int64, limit: Int, _ transaction: DatabaseTransaction
    ) throws -> [DeadLetter] {
        let filter = executor == nil ? "" : " AND d.executor_id = ?"
        let rows = try transaction.rows(
            """
            SELECT d.id AS id, e.namespace AS namespace, e.name AS name, d.bucket AS bucket,
            d.payload AS payload, d.attempts AS attempts, d.error AS error,
            d.submitted_at AS submitted_at, d.died_at AS died_at
            FROM executor_dead d JOIN executor e ON e.id = d.executor_id WHERE d.id > ?\(filter)
            ORDER BY d.id LIMIT ?
            """, [.integer(after)] + (executor.map { [.integer($0)] } ?? []) + [.integer(Int64(limit))])
        return try rows.map { row in
            DeadLetter(
                id: try row.integer("id"), namespace: try row.text("namespace"),
                executor: try row.text("name"),
                bucket: try row.text("bucket"),
                payload: (try? MessagePack.decode(row.blob("payload"), limits: .unlimited)) ?? .null,
                attempts: Int(clamping: try row.integer("attempts")), error: try row.text("error"),
                submittedAt: try row.integer("submitted_at"), diedAt: try row.integer("died_at"))
        }
    }

    /// Takes dead letters away, oldest first; puts them back into their buckets where they are to be retried.
    /// - Parameter id: One of them; `nil` for any.
    /// - Returns: How many.
    func removeDead(_ executor: Int64, id: Int64?, retries: Bool, limit: Int) throws -> Int {
        let rows = try transaction.rows(
            """
            SELECT id, bucket, payload FROM executor_dead WHERE executor_id = ? AND id >= ? AND id <= ?
            ORDER BY id LIMIT ?
            """ + transaction.forUpdate,
            [.integer(executor), .integer(id ?? 0), .integer(id ?? .max), .integer(Int64(limit))])
        try Self.deleteDead.each(rows) { sql, slice in
            try transaction.execute(sql, try slice.map { .integer(try $0.integer("id")) })
        }
        if retries {
            try append(
                try rows.map { row in
                    StoredTask(
                        key: BucketKey(executor: executor, bucket: try row.text("bucket")),
                        payload: try row.blob("payload"))
                })
        } else {
            try count([executor: -Int64(rows.count)], shard: ExecutorShard.administration)
        }
        return rows.count
    }

    /// The figures of every executor that there is.
    static func overviews(_ transaction: DatabaseTransaction) throws -> [ExecutorOverview] {
        let now = try transaction.now()
        let rows = try transaction.rows(
            """
            SELECT e.id AS id, e.namespace AS namespace, e.name AS name,
            CAST((SELECT COALESCE(SUM(u.tasks), 0) FROM executor_usage u WHERE u.executor_id = e.id)
            AS BIGINT) AS tasks,
            (SELECT COUNT(*) FROM executor_dead d WHERE d.executor_id = e.id) AS dead,
            (SELECT COUNT(*) FROM executor_delayed y WHERE y.executor_id = e.id) AS put_off
            FROM executor e ORDER BY e.namespace, e.name
            """)
        return try rows.map { row in
            let id = try row.integer("id")
            let buckets = try transaction.firstRow(
                """
                SELECT COUNT(*) AS buckets, SUM(CASE WHEN b.owner > 0 THEN 1 ELSE 0 END) AS running,
                SUM(CASE WHEN b.owner = 0 AND b.attempts > 0 THEN 1 ELSE 0 END) AS failing,
                MIN(t.submitted_at) AS oldest FROM executor_bucket b
                LEFT JOIN executor_task t ON t.executor_id = b.executor_id AND t.bucket = b.bucket
                AND t.number = b.head
                WHERE b.executor_id = ?
                """, [.integer(id)])
            let (dead, delayed) = (try row.integer("dead"), try row.integer("put_off"))
            return ExecutorOverview(
                id: id, namespace: try row.text("namespace"), name: try row.text("name"),
                waiting: max(0, try row.integer("tasks") - dead - delayed), delayed: delayed, dead: dead,
                buckets: try buckets?.integer("buckets") ?? 0,
                running: try buckets?.optionalInteger("running") ?? 0,
                failing: try buckets?.optionalInteger("failing") ?? 0,
                oldestAge: try buckets?.optionalInteger("oldest").map { max(0, now - $0) })
        }
    }

    private static let deleteDead = ManyRows(
        "DELETE FROM executor_dead WHERE id IN (", row: "?", ")", rest: .repeated)
}

/// Which of an executor's counters a writer changes; writers that work at the same time have different ones.
enum ExecutorShard {
    static let administration: Int64 = 64

    static func submissions(_ owner: Int64) -> Int64 { (owner & 0x1f) * 2 }
    static func completions(_ owner: Int64) -> Int64 { (owner & 0x1f) * 2 + 1 }
    /// For a transaction of its own.
    static var any: Int64 { Int64.random(in: 65..<81) }
}
