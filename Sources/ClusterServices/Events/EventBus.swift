package import Logging
internal import Metrics
internal import Synchronization

/// Delivers events to subscribers on this node.
///
/// Each subscriber has a queue of its own and gets its events one at a time: those of the log in the
/// order of their commits, and besides, those of each publisher in the order in which they were
/// published. Subscribers do not wait for one another, and one that throws or hangs touches no other. An
/// event that a handler throws for counts as handled: it does not come again.
///
/// Events of the log come at least once, to each that subscribed before, also after a kill or a stop; what is
/// published is in memory alone.
/// - Source: Atlassian, "Making plugins compatible with Bitbucket Data Center": events stay on the node that
///   raised them.
package final class EventBus: Sendable {
    private struct State {
        var subscribers: [Int: EventSubscriber] = [:]
        var lastNumber = 0
        /// Up to here the log has been read for all.
        var readTo: Int64 = 0
        var isStarted = false
        var isStopped = false
        var isLogDue = false
        var reader: Task<Void, Never>?

        func subscribers(of key: String) -> [EventSubscriber] {
            subscribers.values.filter { $0.wants(key) }.sorted { $0.number < $1.number }
        }
    }

    private let state = Mutex(State())
    private let feed: EventFeed
    private let logger: Logger

    /// A bus without subscribers.
    /// - Parameter log: Where events are written down; without one, only what is published is delivered.
    package init(log: EventLog? = nil, logger: Logger = Logger(label: "perigee.events")) {
        feed = EventFeed(log: log, logger: logger)
        self.logger = logger
    }

    /// Takes part in all events of some keys from now on, and gets what the log kept for its name.
    /// - Parameters:
    ///   - keys: Events' keys; `*` is every event.
    ///   - name: Who it is, in the log, in failures and in metrics; unique on this node.
    ///   - queueMax: How many published events of one sender may wait; more are dropped and counted.
    /// - handler: Called for one event at a time; should limit its own time. What it throws counts, and
    ///     is the handler's own to log. ``EventNotTaken`` makes an event of the log come again.
    /// - Throws: `DatabaseError` when the log cannot be read.
    package func subscribe(
        _ keys: Set<String>, name: String, queueMax: Int = 1_000,
        handler: @escaping @Sendable (Event) async throws -> Void
    ) async throws -> EventSubscription {
        let position = try await feed.open(name)
        let subscriber = state.withLock { state in
            state.lastNumber += 1
            let subscriber = EventSubscriber(
                number: state.lastNumber, name: name, keys: keys, position: position,
                logTo: state.isStarted ? state.readTo : position, queueMax: queueMax, feed: feed,
                handler: handler)
            state.subscribers[subscriber.number] = subscriber
            return subscriber
        }
        subscriber.proceed()
        return EventSubscription(bus: self, subscriber: subscriber)
    }

    /// Gives up what the log keeps for subscribers that will not come back.
    /// - Parameter isGone: Asked about every name that the log knows.
    /// - Throws: `DatabaseError`.
    package func forget(where isGone: @escaping @Sendable (_ name: String) -> Bool) async throws {
        try await feed.forget(where: isGone)
    }

    /// Queues an event for every subscriber; returns at once. It is in memory alone.
    /// - Parameter sender: Whose events are counted together.
    @discardableResult
    package func publish(_ event: Event, from sender: String = "") -> EventReceipt {
        Counter(label: "perigee.events.published", dimensions: [("event", event.key)]).increment()
        // Queued under one lock, so that all see two events in the same order.
        return state.withLock { state in
            let subscribers = state.isStopped ? [] : state.subscribers(of: event.key)
            let receipt = EventReceipt(count: subscribers.count)
            for subscriber in subscribers { subscriber.send(event, receipt, from: sender) }
            return receipt
        }
    }

    /// How many subscribers there are.
    package var subscriberCount: Int { state.withLock { $0.subscribers.count } }

    /// Begins to deliver what the log holds and gets.
    /// - Throws: `DatabaseError`.
    package func start(_ source: any EventSource) async throws {
        guard let log = feed.log else { return }
        for name in try await log.giveUpOld() {
            logger.warning("events of a month ago are given up", metadata: ["subscriber": "\(name)"])
        }
        let end = try await log.end()
        feed.open(source)
        let subscribers = state.withLock { state in
            (state.isStarted, state.readTo) = (true, end)
            return Array(state.subscribers.values)
        }
        let batch = EventBatch(events: [], from: end, to: end, keys: ["*"], isCut: false)
        for subscriber in subscribers { subscriber.offer(batch) }
        feed.noteChange()
        wake()
    }

    /// Says that the log has got something; returns at once.
    package func wake() {
        state.withLock { state in
            state.isLogDue = true
            guard state.isStarted, !state.isStopped, state.reader == nil else { return }
            // Owned by this bus; ends when the log is read, and soon after stop().
            state.reader = Task { await self.read() }
        }
    }

    /// Hands out nothing more, waits for handlers that run, and writes down up to where subscribers have
    /// finished. What waits in the log comes after the next start; what was published is dropped.
    package func stop(within limit: Duration) async {
        let subscribers = state.withLock { state in
            state.isStopped = true
            defer { state.subscribers = [:] }
            for subscriber in state.subscribers.values { subscriber.end() }
            return Array(state.subscribers.values)
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for subscriber in subscribers { for await _ in subscriber.rest() {} } }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
        let feed = feed
        // Whoever stops the node may have been cut off; this is written all the same, and the caller waits.
        await Task { await feed.close() }.value
    }

    func remove(_ number: Int) {
        state.withLock { _ = $0.subscribers.removeValue(forKey: number) }
    }

    private func read() async {
        while let (from, keys) = nextReading() {
            guard let batch = await feed.fetch(after: from, keys: keys) else {
                state.withLock { $0.isLogDue = true }
                continue
            }
            let subscribers = state.withLock { state in
                state.readTo = batch.to
                if batch.isCut { state.isLogDue = true }
                return Array(state.subscribers.values)
            }
            for subscriber in subscribers { subscriber.offer(batch) }
            if subscribers.isEmpty { feed.noteChange() }
        }
    }

    private func nextReading() -> (from: Int64, keys: Set<String>)? {
        state.withLock { state in
            guard state.isLogDue, !state.isStopped else {
                state.reader = nil
                return nil
            }
            state.isLogDue = false
            return (state.readTo, state.subscribers.values.reduce(into: []) { $0.formUnion($1.keys) })
        }
    }
}
