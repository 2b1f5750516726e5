/// How a scheduler works.
package struct JobSettings: Sendable, Hashable {
    /// Jobs are looked through so often even when nobody said that anything has changed.
    package var pollInterval: Duration = .seconds(5)
    /// As `pollInterval`, while a job runs elsewhere that wants to be started again should its node die.
    package var watchInterval: Duration = .seconds(1)
    /// A time that nobody took for so long counts as missed.
    package var missedAfter: Duration = .seconds(15)
    /// How long a run that was told to stop has before it is cancelled.
    package var cancelGrace: Duration = .seconds(5)
    /// How many runs there may be on this node at a time; other nodes take what is above.
    package var runsMax = 64
    /// As `runsMax`, of one namespace.
    package var namespaceRunsMax = 16
    /// How many jobs a namespace may have, each node's own counted.
    package var namespaceJobsMax = 1_000

    /// The usual ones.
    package init() {}
}
