import SharedDatabase

/// The tables of the executors, within one transaction.
struct ExecutorRows {
    let transaction: DatabaseTransaction
    /// The transaction's time, in milliseconds since 1970.
    let now: Int64
    /// Where new tasks of buckets begin, and how many bytes are before them.
    private typealias Tails = [BucketKey: (next: Int64, bytes: Int64)]
    /// How many tasks come, and their bytes.
    private typealias Groups = [BucketKey: (count: Int64, bytes: Int64)]
    /// Those of the buckets that this was made with.
    private let tails: Tails

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
        tails = [:]
    }

    /// As ``init(_:)``, with how many tasks these executors hold and, in the same round trip, the tails of
    /// the buckets that `tasks` are for: ``placeTasks(_:claiming:)`` is next, or nothing.
    /// - Parameter usage: Gets a value for each executor that there is.
    init(
        _ transaction: DatabaseTransaction, usageOf executors: Set<Int64>, _ usage: inout [Int64: Int64],
        tailsFor tasks: [StoredTask]
    ) throws {
        self.transaction = transaction
        var statements: [(sql: String, arguments: [DatabaseValue])] = []
        Self.usages.each(executors.sorted()) { sql, slice in
            let text = "SELECT \(transaction.nowExpression) AS now" + sql
            statements.append((text, slice.map { .integer($0) }))
        }
        let usages = statements.count
        let groups = Self.groups(tasks)
        statements += Self.tailStatements(groups, transaction)
        let rows = try transaction.rows(ofAll: statements)
        var time: Int64?
        for row in rows.prefix(usages).joined() {
            usage[try row.integer("id")] = try row.integer("tasks")
            time = try time ?? row.integer("now")
        }
        now = try time ?? transaction.now()
        tails = try Self.tails(rows.dropFirst(usages).joined(), groups)
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

    /// Puts tasks at the ends of their buckets, in their order; at most 4,095 into one.
    ///
    /// The buckets' tails stay locked until the transaction ends, so that nobody sees a later task before
    /// these.
    func append(_ tasks: [StoredTask]) throws {
        let groups = Self.groups(tasks)
        let rows = try transaction.rows(ofAll: Self.tailStatements(groups, transaction))
        try place(tasks, behind: try Self.tails(rows.joined(), groups))
    }

    /// The same for the tasks whose tails this was made with, and the end of the transaction: buckets that
    /// had no task are claimed in the same breath.
    /// - Returns: What is claimed.
    func placeTasks(_ tasks: [StoredTask], claiming direct: DirectClaim?) throws -> [ClaimedBatch] {
        try place(tasks, behind: tails, claiming: direct)
    }

    private static func groups(_ tasks: [StoredTask]) -> Groups {
        var groups: Groups = [:]
        for task in tasks {
            groups[task.key, default: (0, 0)].count += 1
            groups[task.key, default: (0, 0)].bytes += Int64(task.payload.count)
        }
        return groups
    }

    private static func tailStatements(
        _ groups: Groups, _ transaction: DatabaseTransaction
    ) -> [(sql: String, arguments: [DatabaseValue])] {
        var statements: [(sql: String, arguments: [DatabaseValue])] = []
        // All writers that wait for tails lock them in this order, so that no two wait for each other.
        let text = transaction.isShared ? sharedTails : ownTails
        text.each(groups.sorted { $0.key < $1.key }) { sql, slice in
            let arguments = slice.flatMap { bucket -> [DatabaseValue] in
                [
                    .integer(bucket.key.executor), .text(bucket.key.bucket), .integer(bucket.value.count),
                    .integer(bucket.value.bytes),
                ]
            }
            statements.append((sql, arguments))
        }
        return statements
    }

    private static func tails(_ rows: some Sequence<DatabaseRow>, _ groups: Groups) throws -> Tails {
        var tails: Tails = [:]
        for row in rows {
            let key = BucketKey(executor: try row.integer("executor_id"), bucket: try row.text("bucket"))
            guard let group = groups[key] else { continue }
            tails[key] = (
                try row.integer("last_number") - group.count + 1, try row.integer("bytes") - group.bytes
            )
        }
        return tails
    }

    @discardableResult
    private func place(
        _ tasks: [StoredTask], behind tails: Tails, claiming direct: DirectClaim? = nil
    ) throws -> [ClaimedBatch] {
        var next = tails.mapValues(\.next)
        var batches: [BucketKey: ClaimedBatch] = [:]
        try Self.insertTasks.each(tasks) { sql, slice in
            var arguments: [DatabaseValue] = []
            arguments.reserveCapacity(slice.count * 5)
            for task in slice {
                let number = next[task.key, default: 0]
                next[task.key] = number + 1
                direct?.add(task, number, now, to: &batches)
                arguments += [
                    .integer(task.key.executor), .text(task.key.bucket), .integer(number),
                    .integer(task.submittedAt ?? now), .blob(task.payload),
                ]
            }
            try transaction.enqueue(sql, arguments)
        }
        // Whoever has locked a tail is alone in making and deleting its bucket's row. It is looked for in a
        // way that does not wait for those who work on the bucket.
        var statements: [(sql: String, arguments: [DatabaseValue])] = []
        Self.insertBuckets.each(tails.sorted { $0.key < $1.key }) { sql, slice in
            let rows = slice.flatMap { bucket -> [DatabaseValue] in
                let last = batches[bucket.key].map { bucket.value.next + Int64($0.tasks.count) - 1 }
                return [
                    .integer(bucket.key.executor), .text(bucket.key.bucket), .integer(bucket.value.next),
                    .integer(bucket.value.bytes), .integer(last ?? 0),
                ]
            }
            let (owner, claim) = (direct?.owner ?? 0, direct?.claim ?? 0)
            statements.append(
                (
                    sql,
                    rows + [.integer(owner), .integer(claim), .integer(now), .integer(owner)]
                ))
        }
        guard !batches.isEmpty else {
            for statement in statements { try transaction.enqueue(statement.sql, statement.arguments) }
            return []
        }
        let rows = try transaction.rows(ofAll: statements, isLast: true).joined()
        return try rows.compactMap { row in
            guard try row.integer("owner") != 0 else { return nil }
            return batches[
                BucketKey(executor: try row.integer("executor_id"), bucket: try row.text("bucket"))]
        }
    }

    /// A bucket that comes again continues above its old numbers, and meets none of their remains: numbers
    /// begin with the time, above 12 bits that tell one that continues how many tasks come.
    private static func appendTails(isShared: Bool) -> ManyRows {
        let now = DatabaseTransaction.nowExpression(isShared: isShared)
        return ManyRows(
            "WITH v (executor_id, bucket, tasks, bytes) AS (VALUES ",
            row: "(CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT))",
            """
            ) INSERT INTO executor_tail (executor_id, bucket, last_number, bytes)
            SELECT executor_id, bucket, \(now) * 4096 + tasks, bytes FROM v
            WHERE tasks > 0 ON CONFLICT (executor_id, bucket) DO UPDATE SET
            last_number = executor_tail.last_number + excluded.last_number % 4096,
            bytes = executor_tail.bytes + excluded.bytes
            RETURNING executor_id, bucket, last_number, bytes
            """, rest: .split)
    }

    private static let sharedTails = appendTails(isShared: true)
    private static let ownTails = appendTails(isShared: false)

    private static let usages = ManyRows(
        """
        , e.id AS id, CAST(COALESCE((SELECT SUM(u.tasks) FROM executor_usage u WHERE u.executor_id = e.id), 0)
        AS BIGINT) AS tasks FROM executor e WHERE e.id IN (
        """, row: "?", ")", rest: .repeated)

    private static let insertBuckets = ManyRows(
        "WITH v (executor_id, bucket, head, bytes, batch_end) AS (VALUES ",
        row: """
            (CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT))
            """,
        """
        ) INSERT INTO executor_bucket (executor_id, bucket, head, batch_end, suspect_end, attempts, bytes,
        owner, claim, ready_at)
        SELECT v.executor_id, v.bucket, v.head, CASE WHEN o.alive > 0 THEN v.batch_end ELSE 0 END, 0,
        CASE WHEN o.alive > 0 AND v.batch_end > 0 THEN 1 ELSE 0 END, v.bytes,
        CASE WHEN o.alive > 0 AND v.batch_end > 0 THEN o.owner ELSE 0 END,
        CASE WHEN o.alive > 0 AND v.batch_end > 0 THEN o.claim ELSE 0 END, o.now
        FROM v, (SELECT CAST(? AS BIGINT) AS owner, CAST(? AS BIGINT) AS claim, CAST(? AS BIGINT) AS now,
        (SELECT COUNT(*) FROM cluster_node n WHERE n.incarnation = ?) AS alive) o
        WHERE NOT EXISTS (
        SELECT 1 FROM executor_bucket b WHERE b.bucket = v.bucket AND b.executor_id = v.executor_id)
        RETURNING executor_id, bucket, owner
        """, rest: .split)

    private static let insertTasks = ManyRows(
        "INSERT INTO executor_task (executor_id, bucket, number, submitted_at, payload) VALUES ",
        row: "(?, ?, ?, ?, ?)", rest: .split)
}
