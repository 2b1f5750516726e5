package import Portable

/// A job as the cluster knows it. Times are milliseconds since 1970 by the database's clock.
package struct JobStatus: Sendable, Hashable {
    /// Whose job it is.
    package let namespace: String
    /// Unique within the namespace.
    package let name: String
    /// The node whose own it is; `nil` for a job that runs once per cluster.
    package let nodeID: String?
    /// The name under which nodes have the code.
    package let runner: String
    /// When it runs; `nil` when this machine cannot read the schedule.
    package let schedule: JobSchedule?
    /// The schedule as it is stored.
    package let scheduleText: String
    /// The most that is added to its times, in milliseconds.
    package let jitter: Int64
    /// What becomes of a time that comes while it still runs.
    package let overlap: JobDefinition.Overlap
    /// What becomes of times that were missed.
    package let misfire: JobDefinition.Misfire
    /// Whether a lost run is started again.
    package let recovers: Bool
    /// Handed to each run.
    package let data: PortableValue
    /// When it runs next; `nil` for never again.
    package let nextRun: Int64?
    /// Whether a run beside the schedule waits for its turn.
    package let isPending: Bool
    /// How many times passed while it still ran.
    package let skipped: Int64
    /// The last runs, the newest first; the one under way has no end.
    package let runs: [JobRun]

    /// Which nodes run it.
    package var mode: JobDefinition.Mode { nodeID == nil ? .oncePerCluster : .everyNode }
    /// The run that is under way.
    package var running: JobRun? { runs.first.flatMap { $0.outcome == nil ? $0 : nil } }
    /// The last run that has ended.
    package var lastRun: JobRun? { runs.first { $0.outcome != nil } }
}
