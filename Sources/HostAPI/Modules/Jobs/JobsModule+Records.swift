import ClusterServices
import PluginHost
import Portable

extension JobsModule {
    static let runRecord = HostRecord(
        "JobRun", "A run of a job. Times are milliseconds since 1970 by the database's clock.",
        [
            HostField("token", .integer, "Grows with each run of the job."),
            HostField("fire_time", .integer, "The time that it is for."),
            HostField("reason", reason, "Why it runs."),
            HostField("attempt", .integer, "1, or more when earlier runs for the time were lost."),
            HostField("node", .string, "The id of the node that runs it, or did."),
            HostField("started_at", .integer, "When it began."),
            HostField("ended_at", .integer, "When it ended, or was found lost.", isOptional: true),
            HostField(
                "outcome", .choice(JobRun.Outcome.allCases.map(\.rawValue)),
                "How it ended; `nil` while it runs.",
                isOptional: true),
            HostField("message", .string, "What its function said, or why it failed.", isOptional: true),
        ])

    static let statusRecord = HostRecord(
        "JobStatus",
        "A job as the cluster knows it. Times are milliseconds since 1970 by the database's clock.",
        [
            HostField("name", .string, "The job's name."),
            HostField("schedule", .string, "When it runs, as it is kept."),
            HostField("mode", .choice(JobDefinition.Mode.allCases.map(\.rawValue)), "Where it runs."),
            HostField("next_run", .integer, "When it runs next; `nil` for never again.", isOptional: true),
            HostField("pending", .boolean, "Whether a run beside the schedule waits."),
            HostField("skipped", .integer, "How many times passed while it still ran."),
            HostField("running", .record("JobRun"), "The run that is under way.", isOptional: true),
            HostField("last_run", .record("JobRun"), "The last run that has ended.", isOptional: true),
            HostField("runs", .list(.record("JobRun")), "The last 20, the newest first."),
        ])
}

extension JobRun {
    /// The table that plugins get.
    var luaTable: PortableValue {
        .map(
            [
                "token": .integer(token), "fire_time": .integer(fireTime), "reason": .string(reason.rawValue),
                "attempt": .integer(Int64(attempt)), "node": .string(nodeID),
                "started_at": .integer(startedAt), "ended_at": .optional(endedAt),
                "outcome": .optional(outcome?.rawValue), "message": .optional(message),
            ].withoutNulls)
    }
}

extension JobStatus {
    /// The table that plugins get.
    var luaTable: PortableValue {
        .map(
            [
                "name": .string(name), "schedule": .string(scheduleText), "mode": .string(mode.rawValue),
                "next_run": .optional(nextRun), "pending": .bool(isPending), "skipped": .integer(skipped),
                "running": running?.luaTable ?? .null, "last_run": lastRun?.luaTable ?? .null,
                "runs": .list(runs.map(\.luaTable)),
            ].withoutNulls)
    }
}
