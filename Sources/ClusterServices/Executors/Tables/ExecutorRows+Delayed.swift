import SharedDatabase

extension ExecutorRows {
    /// Keeps tasks until they are due, `delay` milliseconds from now.
    func putOff(_ tasks: [(task: StoredTask, delay: Int64)]) throws {
        try Self.insertDelayed.each(tasks) { sql, slice in
            let arguments = slice.flatMap { item -> [DatabaseValue] in
                let (due, isOverflow) = now.addingReportingOverflow(item.delay)
                return [
                    .integer(item.task.key.executor), .text(item.task.key.bucket),
                    .integer(isOverflow ? .max : due), .integer(now), .blob(item.task.payload),
                ]
            }
            try transaction.execute(sql, arguments)
        }
    }

    /// Gives tasks that are due their places in their buckets, in the order in which they were due.
    /// - Returns: The executors that have tasks now, and whether there may be more.
    func promote(limit: Int) throws -> (executors: Set<Int64>, isWhole: Bool) {
        // Waits for another node that does the same: each must see all that is due before what is due later.
        let rows = try transaction.rows(
            """
            SELECT id, executor_id, bucket, submitted_at, payload FROM executor_delayed WHERE due_at <= ?
            ORDER BY due_at, id LIMIT ?
            """ + transaction.forUpdate, [.integer(now), .integer(Int64(limit))])
        guard !rows.isEmpty else { return ([], true) }
        try Self.deleteDelayed.each(rows) { sql, slice in
            try transaction.execute(sql, try slice.map { .integer(try $0.integer("id")) })
        }
        let tasks = try rows.map { row in
            StoredTask(
                key: BucketKey(executor: try row.integer("executor_id"), bucket: try row.text("bucket")),
                payload: try row.blob("payload"), submittedAt: try row.integer("submitted_at"))
        }
        try append(tasks)
        return (Set(tasks.map(\.key.executor)), rows.count < limit)
    }

    /// In how many milliseconds the next delayed task of any executor is due; `nil` when there is none.
    func nextDue() throws -> Int64? {
        let row = try transaction.firstRow("SELECT due_at FROM executor_delayed ORDER BY due_at, id LIMIT 1")
        return try row.map { max(0, try $0.integer("due_at") - now) }
    }

    private static let insertDelayed = ManyRows(
        "INSERT INTO executor_delayed (executor_id, bucket, due_at, submitted_at, payload) VALUES ",
        row: "(?, ?, ?, ?, ?)", rest: .split)

    private static let deleteDelayed = ManyRows(
        "DELETE FROM executor_delayed WHERE id IN (", row: "?", ")", rest: .repeated)
}
