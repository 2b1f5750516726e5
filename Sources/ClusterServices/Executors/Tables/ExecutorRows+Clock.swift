import SharedDatabase

/// Times that lie further ahead than anything has put them: the database's clock has been set back since, or
/// another server whose clock is behind has taken its place.
extension ExecutorRows {
    /// So much further ahead than it should be, in milliseconds, a time is taken as it is.
    private static let slack: Int64 = 1_000
    /// A bucket without a failed attempt does not rest, or for a moment only.
    private static let isAhead =
        "owner = 0 AND executor_id = ? AND ready_at > ? AND (attempts = 0 OR ready_at > ?)"

    /// Whether free buckets of an executor wait for longer than they can have been told to.
    /// - Parameter restMax: The longest rest, in milliseconds.
    func hasBucketsAhead(_ executor: Int64, restMax: Int64) throws -> Bool {
        try transaction.firstRow(
            "SELECT 1 AS found FROM executor_bucket WHERE \(Self.isAhead) LIMIT 1",
            latest(executor, restMax: restMax)) != nil
    }

    /// Lets such buckets wait no more.
    /// - Returns: Whether there may be more.
    func bringBucketsBack(_ executor: Int64, restMax: Int64, limit: Int) throws -> Bool {
        let count = try transaction.execute(
            """
            WITH ahead AS MATERIALIZED (
            SELECT bucket FROM executor_bucket WHERE \(Self.isAhead) LIMIT ?\(transaction.skipLocked))
            UPDATE executor_bucket SET ready_at = ? FROM ahead
            WHERE executor_bucket.executor_id = ? AND executor_bucket.bucket = ahead.bucket
            """,
            latest(executor, restMax: restMax) + [
                .integer(Int64(limit)), .integer(now), .integer(executor),
            ])
        return count == limit
    }

    private func latest(_ executor: Int64, restMax: Int64) -> [DatabaseValue] {
        let (end, isOverflow) = (now + Self.slack).addingReportingOverflow(restMax)
        return [.integer(executor), .integer(now + Self.slack), .integer(isOverflow ? .max : end)]
    }

    /// Whether delayed tasks are there that have not been submitted yet by today's clock.
    func hasDelayedAhead() throws -> Bool {
        try transaction.firstRow(
            "SELECT 1 AS found FROM executor_delayed WHERE submitted_at > ? LIMIT 1",
            [.integer(now + Self.slack)]) != nil
    }

    /// Lets such tasks' delays begin now.
    /// - Returns: Whether there may be more.
    func bringDelayedBack(limit: Int) throws -> Bool {
        let count = try transaction.execute(
            """
            WITH ahead AS MATERIALIZED (SELECT id FROM executor_delayed WHERE submitted_at > ?
            ORDER BY id LIMIT ?\(transaction.skipLocked))
            UPDATE executor_delayed SET due_at = due_at - submitted_at + ?, submitted_at = ? FROM ahead
            WHERE executor_delayed.id = ahead.id
            """,
            [.integer(now + Self.slack), .integer(Int64(limit)), .integer(now), .integer(now)])
        return count == limit
    }
}
