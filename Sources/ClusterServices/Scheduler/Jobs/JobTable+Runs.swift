import Portable
import SharedDatabase

extension JobTable {
    private static let runColumns =
        """
        namespace, name, slot, token, fire_time, reason, attempt, node_id, started_at, ended_at, outcome,
        message
        """

    /// Writes down that a run begins.
    func begin(_ key: JobKey, _ run: JobRun) throws {
        try transaction.execute(
            """
            INSERT INTO job_run (\(Self.runColumns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL)
            """,
            Self.arguments(key) + [
                .integer(run.token), .integer(run.fireTime), .text(run.reason.rawValue),
                .integer(Int64(run.attempt)), .text(run.nodeID), .integer(run.startedAt),
            ])
    }

    /// Writes down how a run ended, and forgets the oldest ones.
    func end(_ key: JobKey, token: Int64, now: Int64, _ outcome: JobRun.Outcome, _ message: String?) throws {
        let cut = message.map { $0.prefix(bytesMax: JobRun.messageBytesMax) }
        try transaction.execute(
            """
            UPDATE job_run SET ended_at = ?, outcome = ?, message = ?
            WHERE namespace = ? AND name = ? AND slot = ? AND token = ? AND outcome IS NULL
            """,
            [.integer(now), .text(outcome.rawValue), .optional(cut)] + Self.arguments(key) + [.integer(token)]
        )
        try transaction.execute(
            """
            DELETE FROM job_run WHERE namespace = ? AND name = ? AND slot = ?
            AND token < (SELECT min(token) FROM (
            SELECT token FROM job_run WHERE namespace = ? AND name = ? AND slot = ?
            ORDER BY token DESC LIMIT ?) AS newest)
            """,
            Self.arguments(key) + Self.arguments(key) + [.integer(Int64(JobRun.keptMax))])
    }

    /// Jobs with their runs, ordered by namespace, name and node.
    /// - Parameters:
    ///   - namespace: `nil` for all.
    ///   - name: `nil` for all of the namespace.
    func statuses(namespace: String?, name: String?, start: Int, limit: Int) throws -> [JobStatus] {
        let condition =
            (namespace == nil ? "namespace >= ?" : "namespace = ?")
            + (name == nil ? " AND name >= ?" : " AND name = ?")
        // No namespace and no name is empty, so that all are greater.
        let arguments: [DatabaseValue] = [.text(namespace ?? ""), .text(name ?? "")]
        return try rows(condition, arguments, start: start, limit: limit).map { row in
            JobStatus(
                namespace: row.key.namespace, name: row.key.name,
                nodeID: row.key.slot.isEmpty ? nil : row.key.slot, runner: row.runner, schedule: row.schedule,
                scheduleText: row.scheduleText ?? "", jitter: row.jitter, overlap: row.overlap,
                misfire: row.misfire, recovers: row.recovers,
                data: try MessagePack.decode(row.data, limits: .unlimited), nextRun: row.nextRun,
                isPending: row.pending != nil, skipped: row.skipped, runs: try runs(row.key))
        }
    }

    private func runs(_ key: JobKey) throws -> [JobRun] {
        try transaction.rows(
            """
            SELECT \(Self.runColumns) FROM job_run WHERE namespace = ? AND name = ? AND slot = ?
            ORDER BY token DESC LIMIT ?
            """, Self.arguments(key) + [.integer(Int64(JobRun.keptMax))]
        ).map(Self.run)
    }

    private static func run(_ row: DatabaseRow) throws -> JobRun {
        JobRun(
            token: try row.integer("token"), fireTime: try row.integer("fire_time"),
            reason: .init(rawValue: try row.text("reason")) ?? .schedule,
            attempt: Int(clamping: try row.integer("attempt")), nodeID: try row.text("node_id"),
            startedAt: try row.integer("started_at"), endedAt: try row.optionalInteger("ended_at"),
            outcome: try row.optionalText("outcome").flatMap(JobRun.Outcome.init(rawValue:)),
            message: try row.optionalText("message"))
    }
}

extension String {
    /// The text, cut at a character so that it has at most so many bytes; without NUL, which no column takes.
    fileprivate func prefix(bytesMax: Int) -> String {
        var result = ""
        var count = 0
        for character in self where !character.utf8.contains(0) {
            count += character.utf8.count
            if count > bytesMax { break }
            result.append(character)
        }
        return result
    }
}
