/// One run of a job. Times are milliseconds since 1970 by the database's clock.
package struct JobRun: Sendable, Hashable {
    /// Grows with each run of the job, also over a failover of the database.
    package let token: Int64
    /// The time that it is for.
    package let fireTime: Int64
    /// Why it runs.
    package let reason: Reason
    /// 1, or more when earlier ones for the same time were lost.
    package let attempt: Int
    /// The node that runs it, or did.
    package let nodeID: String
    /// When it began.
    package let startedAt: Int64
    /// When it ended, or was found lost; `nil` while it runs.
    package let endedAt: Int64?
    /// How it ended; `nil` while it runs.
    package let outcome: Outcome?
    /// What the runner said.
    package let message: String?

    /// Why a job runs.
    package enum Reason: String, Sendable, Hashable, CaseIterable {
        /// Its time has come.
        case schedule
        /// Somebody asked for it.
        case manual
        /// Its time came while it still ran.
        case queued
        /// The run before it was lost or stopped.
        case recovered
    }

    /// How a run ended.
    package enum Outcome: String, Sendable, Hashable, CaseIterable {
        /// It came to its end.
        case succeeded
        /// It threw.
        case failed
        /// It was told to stop, and did.
        case cancelled
        /// Its node died or was cut off.
        case lost
    }

    /// The most bytes of a message; longer ones are cut.
    package static let messageBytesMax = 1_000
    /// How many runs of a job are kept.
    package static let keptMax = 20
}
