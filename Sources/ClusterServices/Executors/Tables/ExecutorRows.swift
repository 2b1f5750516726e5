import SharedDatabase

/// The tables of the executors, within one transaction.
struct ExecutorRows {
    let transaction: DatabaseTransaction
    /// The transaction's time, in milliseconds since 1970.
    let now: Int64

    /// A task as it is stored.
    struct StoredTask: Sendable {
        let key: BucketKey
        let payload: [UInt8]
        /// When it was submitted; `nil` for now.
        var submittedAt: Int64?
    }

    init(_ transaction: DatabaseTransaction) throws {
        self.transaction = transaction
        now = try transaction.now()
    }

    /// As ``init(_:)``, with how many tasks these executors hold, in the same round trip.
    /// - Parameter usage: Gets a value for each executor that there is.
    init(
        _ transaction: DatabaseTransaction, usageOf executors: Set<Int64>, _ usage: inout [Int64: Int64]
    ) throws {
        self.transaction = transaction
        var time: Int64?
        try Self.usages.each(executors.sorted()) { sql, slice in
            let text = "SELECT \(transaction.nowExpression) AS now" + sql
            for row in try transaction.rows(text, slice.map { .integer($0) }) {
                usage[try row.integer("id")] = try row.integer("tasks")
                time = try time ?? row.integer("now")
            }
        }
        now = try time ?? transaction.now()
    }

    /// Gives an executor's id, and makes it where it is new.
    static func id(namespace: String, name: String, _ transaction: DatabaseTransaction) throws -> Int64 {
        let names: [DatabaseValue] = [.text(namespace), .text(name)]
        let query = "SELECT id FROM executor WHERE namespace = ? AND name = ?"
        if let row = try transaction.firstRow(query, names) { return try row.integer("id") }
        try transaction.execute(
            "INSERT INTO executor (namespace, name) VALUES (?, ?) ON CONFLICT (namespace, name) DO NOTHING",
            names)
        guard let row = try transaction.firstRow(query, names) else {
            throw DatabaseError.statement(message: "an executor was not made", sql: nil)
        }
        return try row.integer("id")
    }

    /// How many tasks an executor holds.
    func usage(_ executor: Int64) throws -> Int64 {
        let row = try transaction.firstRow(
            """
            SELECT CAST(COALESCE(SUM(tasks), 0) AS BIGINT) AS tasks FROM executor_usage
            WHERE executor_id = ?
            """, [.integer(executor)])
        return try row?.integer("tasks") ?? 0
    }

    /// Counts tasks that came or went. The last change of a transaction: other writers of the shard wait.
    func count(_ changes: [Int64: Int64], shard: Int64) throws {
        for (executor, change) in changes.sorted(by: { $0.key < $1.key }) where change != 0 {
            try transaction.enqueue(
                """
                INSERT INTO executor_usage (executor_id, shard, tasks) VALUES (?, ?, ?)
                ON CONFLICT (executor_id, shard) DO UPDATE SET tasks = executor_usage.tasks + excluded.tasks
                """, [.integer(executor), .integer(shard), .integer(change)])
        }
    }

    /// Puts tasks at the ends of their buckets, in their order.
    ///
    /// The buckets' tails stay locked until the transaction ends, so that nobody sees a later task before
    /// these.
    func append(_ tasks: [StoredTask]) throws {
        var groups: [BucketKey: (count: Int64, bytes: Int64)] = [:]
        for task in tasks {
            groups[task.key, default: (0, 0)].count += 1
            groups[task.key, default: (0, 0)].bytes += Int64(task.payload.count)
        }
        // All writers that wait for tails lock them in this order, so that no two wait for each other.
        let buckets = groups.sorted { $0.key < $1.key }
        var tails: [BucketKey: (next: Int64, bytes: Int64)] = [:]
        // A bucket that comes again continues above its old numbers, and meets none of their remains.
        let base = now * 1024
        try Self.appendTails.each(buckets) { sql, slice in
            let arguments = slice.flatMap { bucket -> [DatabaseValue] in
                [
                    .integer(bucket.key.executor), .text(bucket.key.bucket),
                    .integer(base + bucket.value.count), .integer(bucket.value.bytes),
                ]
            }
            for row in try transaction.rows(sql, arguments + [.integer(base)]) {
                let key = BucketKey(executor: try row.integer("executor_id"), bucket: try row.text("bucket"))
                guard let group = groups[key] else { continue }
                tails[key] = (
                    try row.integer("last_number") - group.count + 1, try row.integer("bytes") - group.bytes
                )
            }
        }
        // Whoever has locked a tail is alone in making and deleting its bucket's row. It is looked for in a
        // way that does not wait for those who work on the bucket.
        try Self.insertBuckets.each(buckets) { sql, slice in
            let arguments = slice.flatMap { bucket -> [DatabaseValue] in
                [
                    .integer(bucket.key.executor), .text(bucket.key.bucket),
                    .integer(tails[bucket.key]?.next ?? 0), .integer(tails[bucket.key]?.bytes ?? 0),
                    .integer(now),
                ]
            }
            try transaction.enqueue(sql, arguments)
        }
        var next = tails.mapValues(\.next)
        try Self.insertTasks.each(tasks) { sql, slice in
            var arguments: [DatabaseValue] = []
            arguments.reserveCapacity(slice.count * 5)
            for task in slice {
                let number = next[task.key, default: 0]
                next[task.key] = number + 1
                arguments += [
                    .integer(task.key.executor), .text(task.key.bucket), .integer(number),
                    .integer(task.submittedAt ?? now), .blob(task.payload),
                ]
            }
            try transaction.enqueue(sql, arguments)
        }
    }

    private static let appendTails = ManyRows(
        "INSERT INTO executor_tail (executor_id, bucket, last_number, bytes) VALUES ", row: "(?, ?, ?, ?)",
        """
         ON CONFLICT (executor_id, bucket) DO UPDATE SET
        last_number = executor_tail.last_number + excluded.last_number - ?,
        bytes = executor_tail.bytes + excluded.bytes RETURNING executor_id, bucket, last_number, bytes
        """, rest: .split)

    private static let usages = ManyRows(
        """
        , e.id AS id, CAST(COALESCE((SELECT SUM(u.tasks) FROM executor_usage u WHERE u.executor_id = e.id), 0)
        AS BIGINT) AS tasks FROM executor e WHERE e.id IN (
        """, row: "?", ")", rest: .repeated)

    private static let insertBuckets = ManyRows(
        "WITH v (executor_id, bucket, head, bytes, ready_at) AS (VALUES ",
        row: """
            (CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT))
            """,
        """
        ) INSERT INTO executor_bucket (executor_id, bucket, head, batch_end, suspect_end, attempts, bytes,
        owner, claim, ready_at)
        SELECT v.executor_id, v.bucket, v.head, 0, 0, 0, v.bytes, 0, 0, v.ready_at FROM v WHERE NOT EXISTS (
        SELECT 1 FROM executor_bucket b WHERE b.bucket = v.bucket AND b.executor_id = v.executor_id)
        """, rest: .split)

    private static let insertTasks = ManyRows(
        "INSERT INTO executor_task (executor_id, bucket, number, submitted_at, payload) VALUES ",
        row: "(?, ?, ?, ?, ?)", rest: .split)
}
