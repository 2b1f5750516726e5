/// How an executor works on its tasks.
package struct ExecutorSettings: Sendable, Hashable {
    /// How many buckets are worked on at the same time.
    package enum Concurrency: Sendable, Hashable {
        /// So many on each node.
        case perNode(Int)
        /// So many divided by the number of nodes, rounded up, on each node; so that it can be more in all.
        /// - Source: Atlassian, "Making plugins compatible with Bitbucket Data Center", "Executors in a
        ///   cluster".
        case perCluster(Int)

        /// How many buckets one node works on while the cluster has that many; at least one.
        package func limit(nodes: Int) -> Int {
            switch self {
            case .perNode(let limit): max(1, limit)
            case .perCluster(let limit):
                max(1, limit / max(1, nodes) + (limit % max(1, nodes) > 0 ? 1 : 0))
            }
        }
    }

    /// How many tasks of one bucket a processor is given at once, at most; not more than 1,000.
    package var batch: Int
    /// How often a task is tried before it becomes a dead letter; 1 for once.
    package var attemptsMax: Int
    /// How long a bucket rests after the first failed attempt; doubled with each further one.
    package var backoff: Duration
    /// The longest rest.
    package var backoffMax: Duration
    /// How many buckets are worked on at the same time.
    package var concurrency: Concurrency
    /// How many tasks it holds at most, delayed ones and dead letters included.
    package var tasksMax: Int

    /// - Parameters:
    ///   - batch: Tasks of one bucket at once; 1 unless told.
    ///   - attemptsMax: 5 unless told.
    ///   - backoff: A second unless told.
    ///   - backoffMax: Five minutes unless told.
    ///   - concurrency: One bucket per node unless told.
    ///   - tasksMax: 100,000 unless told.
    package init(
        batch: Int = 1, attemptsMax: Int = 5, backoff: Duration = .seconds(1),
        backoffMax: Duration = .seconds(300), concurrency: Concurrency = .perNode(1), tasksMax: Int = 100_000
    ) {
        self.batch = min(max(1, batch), Self.batchMax)
        self.attemptsMax = min(max(1, attemptsMax), 1_000_000)
        self.backoff = max(.zero, backoff)
        self.backoffMax = max(.zero, backoffMax)
        self.concurrency = concurrency
        self.tasksMax = max(1, tasksMax)
    }

    static let batchMax = 1000
    /// A bucket with more bytes than this comes in batches of ``largeBatch`` tasks.
    static let batchBytes: Int64 = 1024 * 1024
    static let largeBatch = 16

    /// The rest after that many failed attempts, in milliseconds: up to a quarter more at random, so that
    /// those that failed at the same moment do not come back at the same one.
    func rest(after attempts: Int64) -> Int64 {
        let rest = leastRest(after: attempts)
        return rest + Int64.random(in: 0...rest / 4)
    }

    private func leastRest(after attempts: Int64) -> Int64 {
        let longest = min(Int64(clamping: backoffMax), .max / 2)
        guard attempts > 0, attempts < 40 else { return longest }
        let (rest, isOverflow) = Int64(clamping: backoff).multipliedReportingOverflow(by: 1 << (attempts - 1))
        return isOverflow ? longest : min(rest, longest)
    }
}

extension Int64 {
    /// Whole milliseconds; what is beyond the range becomes its end.
    init(clamping duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (product, isOverflow) = seconds.multipliedReportingOverflow(by: 1000)
        let (sum, isLate) = product.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        self = isOverflow || isLate ? (seconds < 0 ? .min : .max) : sum
    }
}
