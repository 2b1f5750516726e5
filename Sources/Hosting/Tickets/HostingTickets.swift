internal import Metrics

/// Limits how many hosting operations run at a time, in the order in which they came.
package final class HostingTickets: Sendable {
    private let queue: TurnQueue
    private let timeout: Duration
    private let granted: Counter
    private let refused: Counter
    private let running: Gauge
    private let waiting: Gauge

    /// Makes the limit.
    /// - Parameter limit: How many run at a time.
    /// - Parameter queueMax: How many more may wait.
    /// - Parameter timeout: How long one waits.
    /// - Parameter metric: What the names of its figures begin with.
    package init(limit: Int, queueMax: Int, timeout: Duration, metric: String = "perigee.tickets") {
        granted = Counter(label: "\(metric).granted")
        refused = Counter(label: "\(metric).refused")
        running = Gauge(label: "\(metric).running")
        waiting = Gauge(label: "\(metric).waiting")
        queue = TurnQueue(limit: limit, queueMax: queueMax)
        self.timeout = timeout
    }

    /// Runs `body` when it is its turn.
    ///
    /// A task that is cancelled while it waits leaves the queue.
    /// - Throws: ``HostingError/busy(retryAfter:)`` when the queue is full or the turn did not come in time;
    ///   `CancellationError`; what `body` throws.
    package func withTicket<Result>(
        _ kind: TicketKind, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
    ) async throws -> Result {
        do {
            try await queue.enter(timeout: timeout)
        } catch is TurnQueue.Refusal {
            refused.increment()
            throw HostingError.busy(retryAfter: .seconds(10))
        }
        granted.increment()
        recordUsage()
        defer {
            queue.leave()
            recordUsage()
        }
        return try await body()
    }

    /// How many run and how many wait now.
    package var usage: (running: Int, waiting: Int) { queue.usage }

    private func recordUsage() {
        let usage = queue.usage
        running.record(usage.running)
        waiting.record(usage.waiting)
    }
}

/// What a ticket is for.
package enum TicketKind: String, Sendable, Hashable {
    /// Clone, fetch, push.
    case hosting
}
