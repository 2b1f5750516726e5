import Portable
import SharedDatabase

/// One executor as this node works on it.
struct ExecutorSlot {
    /// What was defined; replaced as a whole when the executor is defined anew.
    struct Definition: Sendable {
        /// Tells it from an earlier or later definition of the same executor.
        let number: Int
        let namespace: String
        let name: String
        let settings: ExecutorSettings
        let process: TaskProcessor
    }

    struct Running {
        let batch: ExecutorRows.ClaimedBatch
        let definition: Definition
        var task: Task<Void, Never>
    }

    var definition: Definition
    /// Whether nothing more is to be claimed.
    var isEnded = false
    /// Claimed, and not begun.
    var waiting: [(batch: ExecutorRows.ClaimedBatch, since: ContinuousClock.Instant)] = []
    /// Room that is kept for buckets which a submission is about to claim.
    var reserved = 0
    /// By a number of their own.
    var running: [Int: Running] = [:]
    /// Whether there may be buckets that nobody has taken yet.
    var mayHaveMore = true
    /// The age of buckets that are looked for, in milliseconds of the database's clock; 0 for any.
    var readySince: Int64 = 0
    /// How long a batch took on average of late, in seconds.
    var averageSeconds = 0.05
    /// Those who wait for the end of what runs.
    var drained: [CheckedContinuation<Void, Never>] = []

    init(_ definition: Definition) { self.definition = definition }

    /// How many more buckets this node could take now: for what is idle, and what is about to be if batches
    /// are short.
    func want(nodes: Int) -> Int {
        guard !isEnded else { return 0 }
        let limit = definition.settings.concurrency.limit(nodes: nodes)
        return max(0, limit + ahead(limit) - running.count - waiting.count - reserved)
    }

    /// How many more batches may begin now.
    func room(nodes: Int) -> Int {
        definition.settings.concurrency.limit(nodes: nodes) - running.count - reserved
    }

    /// As many as can be done within 10 ms: a claim and a completion take about as long.
    private func ahead(_ limit: Int) -> Int {
        let count = Double(limit) * 0.01 / max(0.000_001, averageSeconds)
        return count < 1 ? 0 : Int(min(count, 64))
    }
}

/// The end of a batch, on its way to the database.
struct Settlement: Sendable {
    let batch: ExecutorRows.ClaimedBatch
    let definition: ExecutorSlot.Definition
    let outcome: BucketRow.Outcome
}

/// Tasks on their way to the database.
struct Submission: Sendable {
    let executor: Int64
    let name: String
    let tasksMax: Int
    let tasks: [(task: ExecutorRows.StoredTask, delay: Int64?)]
    let done: CheckedContinuation<Void, any Error>
}
