import SharedDatabase

extension ExecutorRows {
    /// The end of a batch that is to be written down.
    struct Finish: Sendable {
        let key: BucketKey
        let claim: Int64
        let outcome: BucketRow.Outcome
        let bytes: Int64
        let settings: ExecutorSettings
    }

    /// What became of it.
    enum Finished: Sendable {
        /// It is written; `rest` is how long the bucket rests in milliseconds, `nil` when it is empty.
        case written(tasks: Int64, dead: Int64, rest: Int64?)
        /// The bucket is not this owner's any more.
        case missed
    }

    /// Writes down how batches of one executor ended, as far as they are still held by that owner.
    /// - Parameter finishes: Of different buckets.
    /// - Returns: One result each, in their order.
    func finish(_ finishes: [Finish], executor: Int64, owner: Int64) throws -> [Finished] {
        let held = try locked(finishes, executor: executor, owner: owner)
        var results: [Finished] = []
        var finished: [(key: BucketKey, tasks: ClosedRange<Int64>)] = []
        var rows: [BucketKey: BucketRow] = [:]
        var left: [(finish: Finish, row: BucketRow, consequence: BucketRow.Consequence)] = []
        for finish in finishes {
            guard var row = held[finish.key]?.row, held[finish.key]?.claim == finish.claim else {
                results.append(.missed)
                continue
            }
            let consequence = row.finish(finish.outcome, batchBytes: finish.bytes, settings: finish.settings)
            let count = consequence.finished.map { $0.upperBound - $0.lowerBound + 1 } ?? 0
            if let tasks = consequence.finished {
                if let error = consequence.deathError {
                    try bury(finish.key, tasks, attempts: consequence.attempts, error: error)
                }
                finished.append((finish.key, tasks))
                rows[finish.key] = row
            }
            left.append((finish, row, consequence))
            let isDead = consequence.deathError != nil
            results.append(
                .written(tasks: isDead ? 0 : count, dead: isDead ? count : 0, rest: consequence.rest))
        }
        try delete(finished)
        let closed = try close(rows.map { ($0.key, $0.value.head) }, executor: executor)
        try write(left.filter { !closed.contains($0.finish.key) }, executor: executor)
        for (index, finish) in finishes.enumerated() where closed.contains(finish.key) {
            if case .written(let tasks, let dead, _) = results[index] {
                results[index] = .written(tasks: tasks, dead: dead, rest: nil)
            }
        }
        return results
    }

    /// Deletes the rows of buckets that have no task from their heads on.
    ///
    /// Where a submission has locked the tail, its tasks are about to come, and the row stays.
    /// - Returns: Those that are deleted.
    @discardableResult
    func close(_ buckets: [(key: BucketKey, head: Int64)], executor: Int64) throws -> Set<BucketKey> {
        let heads = Dictionary(buckets, uniquingKeysWith: { $1 })
        // Looked at first, so that submitters to buckets which have more tasks do not wait for this.
        let likely = try ended(heads, heads.keys.sorted(), Self.findTails, lock: "", executor: executor)
        let closed = try ended(
            heads, likely, Self.findTails, lock: transaction.skipLocked, executor: executor)
        for statement in [Self.deleteBuckets, Self.deleteTails] {
            try statement.each(closed) { sql, slice in
                try transaction.enqueue(sql, [.integer(executor)] + slice.map { .text($0.bucket) })
            }
        }
        return Set(closed)
    }

    private func ended(
        _ heads: [BucketKey: Int64], _ keys: [BucketKey], _ statement: ManyRows, lock: String, executor: Int64
    ) throws -> [BucketKey] {
        var ended: [BucketKey] = []
        try statement.each(keys) { sql, slice in
            let arguments: [DatabaseValue] = [.integer(executor)] + slice.map { .text($0.bucket) }
            for row in try transaction.rows(sql + lock, arguments) {
                let key = BucketKey(executor: executor, bucket: try row.text("bucket"))
                if try row.integer("last_number") < heads[key] ?? .min { ended.append(key) }
            }
        }
        return ended
    }

    private func locked(
        _ finishes: [Finish], executor: Int64, owner: Int64
    ) throws -> [BucketKey: (row: BucketRow, claim: Int64)] {
        var held: [BucketKey: (row: BucketRow, claim: Int64)] = [:]
        // Nobody else locks these for longer than it takes to see that their owner lives.
        try Self.lockBuckets.each(finishes) { sql, slice in
            let arguments: [DatabaseValue] =
                [.integer(owner), .integer(executor), .integer(owner)]
                + slice.map { .text($0.key.bucket) }
            for row in try transaction.rows(sql + transaction.forUpdate, arguments) {
                let key = BucketKey(executor: executor, bucket: try row.text("bucket"))
                held[key] = (
                    BucketRow(
                        head: try row.integer("head"), batchEnd: try row.integer("batch_end"),
                        suspectEnd: try row.integer("suspect_end"),
                        attempts: try row.integer("attempts"), bytes: try row.integer("bytes")),
                    try row.integer("claim")
                )
            }
        }
        return held
    }

    private func delete(_ finished: [(key: BucketKey, tasks: ClosedRange<Int64>)]) throws {
        try Self.deleteTasks.each(finished) { sql, slice in
            let arguments = slice.flatMap { item -> [DatabaseValue] in
                [
                    .integer(item.key.executor), .text(item.key.bucket), .integer(item.tasks.lowerBound),
                    .integer(item.tasks.upperBound),
                ]
            }
            try transaction.enqueue(sql, arguments)
        }
    }

    private func write(
        _ left: [(finish: Finish, row: BucketRow, consequence: BucketRow.Consequence)], executor: Int64
    ) throws {
        try Self.writeBuckets.each(left) { sql, slice in
            let arguments = slice.flatMap { item -> [DatabaseValue] in
                [
                    .text(item.finish.key.bucket), .integer(item.row.head), .integer(item.row.batchEnd),
                    .integer(item.row.suspectEnd), .integer(item.row.attempts), .integer(item.row.bytes),
                    .integer(now + item.consequence.rest), .optional(item.consequence.error),
                ]
            }
            try transaction.enqueue(sql, arguments + [.integer(executor)])
        }
    }

    private func bury(
        _ key: BucketKey, _ tasks: ClosedRange<Int64>, attempts: Int64, error: String
    ) throws {
        try transaction.enqueue(
            """
            INSERT INTO executor_dead (executor_id, bucket, submitted_at, payload, attempts, error, died_at)
            SELECT executor_id, bucket, submitted_at, payload, CAST(? AS BIGINT), CAST(? AS TEXT),
            CAST(? AS BIGINT) FROM executor_task WHERE executor_id = ? AND bucket = ? AND number >= ?
            AND number <= ? ORDER BY number
            """,
            [
                .integer(attempts), .text(error), .integer(now), .integer(key.executor), .text(key.bucket),
                .integer(tasks.lowerBound), .integer(tasks.upperBound),
            ])
    }

    private static let lockBuckets = ManyRows(
        """
        SELECT bucket, claim, head, batch_end, suspect_end, attempts, bytes FROM executor_bucket
        WHERE EXISTS (SELECT 1 FROM cluster_node n WHERE n.incarnation = ?)
        AND executor_id = ? AND owner = ? AND bucket IN (
        """, row: "?", ") ORDER BY bucket", rest: .repeated)

    private static let findTails = ManyRows(
        "SELECT bucket, last_number FROM executor_tail WHERE executor_id = ? AND bucket IN (", row: "?",
        ")", rest: .repeated)

    private static let deleteTasks = ManyRows(
        "DELETE FROM executor_task WHERE ",
        row: "(executor_id = ? AND bucket = ? AND number >= ? AND number <= ?)", separator: " OR ",
        rest: .repeated)

    private static let writeBuckets = ManyRows(
        "WITH v (bucket, head, batch_end, suspect_end, attempts, bytes, ready_at, error) AS (VALUES ",
        row: """
            (CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), \
            CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS TEXT))
            """,
        """
        ) UPDATE executor_bucket SET head = v.head, batch_end = v.batch_end, suspect_end = v.suspect_end,
        attempts = v.attempts, bytes = v.bytes, ready_at = v.ready_at, error = v.error, owner = 0, claim = 0
        FROM v WHERE executor_bucket.executor_id = ? AND executor_bucket.bucket = v.bucket
        """, rest: .repeated)

    private static let deleteBuckets = ManyRows(
        "DELETE FROM executor_bucket WHERE executor_id = ? AND bucket IN (", row: "?", ")", rest: .repeated)

    private static let deleteTails = ManyRows(
        "DELETE FROM executor_tail WHERE executor_id = ? AND bucket IN (", row: "?", ")", rest: .repeated)
}
