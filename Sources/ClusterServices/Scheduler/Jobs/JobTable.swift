import Portable
import SharedDatabase

/// The statements on tables `job` and `job_run`, each within the caller's transaction.
struct JobTable {
    /// Where it is said that a job may be due earlier than was known.
    static let channel = "perigee_jobs"

    private static let columns =
        """
        namespace, name, slot, runner, schedule, jitter, overlap, misfire, recovers, data, version, next_run,
        pending_fire, pending_reason, last_fire, skipped, token, owner, running_fire, attempt
        """
    private static let byKey = "namespace = ? AND name = ? AND slot = ?"

    let transaction: DatabaseTransaction

    init(_ transaction: DatabaseTransaction) {
        self.transaction = transaction
    }

    /// One row, locked until the transaction ends.
    /// - Parameter waits: Whether to wait for somebody who has it locked; else that is `nil` as well.
    func row(_ key: JobKey, waits: Bool = true) throws -> JobRow? {
        let lock = waits ? transaction.forUpdate : transaction.skipLocked
        return try transaction.firstRow(
            "SELECT \(Self.columns) FROM job WHERE \(Self.byKey)\(lock)", Self.arguments(key)
        ).map(Self.row)
    }

    /// How often a row has been changed, without locking it; `nil` when there is none.
    func version(of key: JobKey) throws -> Int64? {
        try transaction.firstRow("SELECT version FROM job WHERE \(Self.byKey)", Self.arguments(key))?
            .integer("version")
    }

    /// Writes a row that ``row(_:waits:)`` gave, and that the caller has changed.
    /// - Returns: False when it has been changed by somebody else.
    @discardableResult
    func save(_ row: inout JobRow) throws -> Bool {
        let count = try transaction.execute(
            """
            UPDATE job SET runner = ?, schedule = ?, jitter = ?, overlap = ?, misfire = ?, recovers = ?,
            data = ?, next_run = ?, pending_fire = ?, pending_reason = ?, due = ?, last_fire = ?, skipped = ?,
            token = ?, owner = ?, running_fire = ?, attempt = ?, version = version + 1
            WHERE \(Self.byKey) AND version = ?
            """,
            Self.values(row) + Self.arguments(row.key) + [.integer(row.version)])
        if count == 1 { row.version += 1 }
        return count == 1
    }

    /// Writes a row where there is none.
    /// - Returns: False when there is one.
    func insert(_ row: JobRow) throws -> Bool {
        try transaction.execute(
            """
            INSERT INTO job (runner, schedule, jitter, overlap, misfire, recovers, data, next_run,
            pending_fire, pending_reason, due, last_fire, skipped, token, owner, running_fire, attempt,
            namespace, name, slot, version)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
            ON CONFLICT (namespace, name, slot) DO NOTHING
            """, Self.values(row) + Self.arguments(row.key)) == 1
    }

    /// Rows that are scheduled, in the order of their keys.
    func rows(_ condition: String, _ arguments: [DatabaseValue], start: Int, limit: Int) throws -> [JobRow] {
        try transaction.rows(
            """
            SELECT \(Self.columns) FROM job WHERE schedule IS NOT NULL AND \(condition)
            ORDER BY namespace, name, slot LIMIT ? OFFSET ?
            """, arguments + [.integer(Int64(limit)), .integer(Int64(start))]
        ).map(Self.row)
    }

    /// The rows of a job: one for the cluster, or one for each node.
    func keys(namespace: String, name: String) throws -> [JobKey] {
        try transaction.rows(
            "SELECT slot FROM job WHERE namespace = ? AND name = ? AND schedule IS NOT NULL ORDER BY slot",
            [.text(namespace), .text(name)]
        ).map { JobKey(namespace: namespace, name: name, slot: try $0.text("slot")) }
    }

    /// Deletes what nodes that have not been there for a week still have of a job of every node, and the runs
    /// of rows that are gone.
    func forgetGoneNodes(_ key: JobKey, now: Int64) throws {
        try transaction.execute(
            """
            DELETE FROM job WHERE namespace = ? AND name = ? AND slot NOT IN ('', ?) AND owner IS NULL
            AND (next_run IS NULL OR next_run < ?)
            AND NOT EXISTS (SELECT 1 FROM cluster_node n WHERE n.node_id = job.slot)
            """, Self.arguments(key) + [.integer(now - 7 * 86_400_000)])
        try transaction.execute(
            """
            DELETE FROM job_run WHERE namespace = ? AND name = ? AND NOT EXISTS (SELECT 1 FROM job j
            WHERE j.namespace = job_run.namespace AND j.name = job_run.name AND j.slot = job_run.slot)
            """, [.text(key.namespace), .text(key.name)])
    }

    /// How many jobs of a namespace are scheduled.
    func count(namespace: String) throws -> Int64 {
        try transaction.firstRow(
            "SELECT count(*) AS count FROM job WHERE namespace = ? AND schedule IS NOT NULL",
            [.text(namespace)])?.integer("count") ?? 0
    }

    /// Whether a node is a member; it stays one until the transaction ends.
    func isMember(_ incarnation: NodeIncarnation) throws -> Bool {
        try transaction.firstRow(
            "SELECT node_id FROM cluster_node WHERE incarnation = ?"
                + (transaction.isShared ? " FOR KEY SHARE" : ""),
            [.id(incarnation)]) != nil
    }

    /// The rows whose owner is no member any more.
    func abandoned() throws -> [JobKey] {
        try transaction.rows(
            """
            SELECT namespace, name, slot FROM job WHERE owner IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM cluster_node n WHERE n.incarnation = job.owner)
            ORDER BY namespace, name, slot LIMIT 500
            """
        ).map(Self.key)
    }

    /// What a node has to know of the jobs that it may run.
    func plan(slot: String) throws -> [JobPlan] {
        try transaction.rows(
            """
            SELECT namespace, name, slot, runner, due, owner, token, recovers, version FROM job
            WHERE slot IN ('', ?) AND (due IS NOT NULL OR owner IS NOT NULL)
            """, [.text(slot)]
        ).map { row in
            JobPlan(
                key: try Self.key(row), runner: try row.text("runner"), due: try row.optionalInteger("due"),
                owner: try row.optionalID("owner"), token: try row.integer("token"),
                recovers: try row.bool("recovers"), version: try row.integer("version"))
        }
    }

    static func arguments(_ key: JobKey) -> [DatabaseValue] {
        [.text(key.namespace), .text(key.name), .text(key.slot)]
    }

    static func key(_ row: DatabaseRow) throws -> JobKey {
        JobKey(
            namespace: try row.text("namespace"), name: try row.text("name"), slot: try row.text("slot"))
    }

    static func row(_ row: DatabaseRow) throws -> JobRow {
        var pending: JobRow.Pending?
        if let fireTime = try row.optionalInteger("pending_fire") {
            let reason = try row.optionalText("pending_reason").flatMap(JobRun.Reason.init(rawValue:))
            pending = JobRow.Pending(fireTime: fireTime, reason: reason ?? .manual)
        }
        return JobRow(
            key: try key(row), runner: try row.text("runner"), scheduleText: try row.optionalText("schedule"),
            jitter: try row.integer("jitter"),
            overlap: .init(rawValue: try row.text("overlap")) ?? .skip,
            misfire: .init(rawValue: try row.text("misfire")) ?? .once, recovers: try row.bool("recovers"),
            data: try row.blob("data"), version: try row.integer("version"),
            nextRun: try row.optionalInteger("next_run"), pending: pending,
            lastFire: try row.optionalInteger("last_fire"), skipped: try row.integer("skipped"),
            token: try row.integer("token"), owner: try row.optionalID("owner"),
            runningFire: try row.optionalInteger("running_fire"), attempt: try row.integer("attempt"))
    }

    private static func values(_ row: JobRow) -> [DatabaseValue] {
        [
            .text(row.runner), .optional(row.scheduleText), .integer(row.jitter), .text(row.overlap.rawValue),
            .text(row.misfire.rawValue), .bool(row.recovers), .blob(row.data), .optional(row.nextRun),
            .optional(row.pending?.fireTime), .optional(row.pending?.reason.rawValue), .optional(row.due),
            .optional(row.lastFire), .integer(row.skipped), .integer(row.token), .id(row.owner),
            .optional(row.runningFire), .integer(row.attempt),
        ]
    }
}

/// What a node remembers of a row until it is due.
struct JobPlan: Sendable, Hashable {
    let key: JobKey
    let runner: String
    let due: Int64?
    let owner: NodeIncarnation?
    let token: Int64
    let recovers: Bool
    var version: Int64
}
