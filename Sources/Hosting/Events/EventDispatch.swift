internal import ClusterServices
internal import Logging
internal import Portable
internal import Synchronization

/// Delivers events in order per repository, off the path of requests.
///
/// Each repository has a lane: what happened to it waits there in order, and one task of ``run()`` works it
/// off.
/// Changes of refs wait in the journal, so that a lane only needs to know that there are some.
final class EventDispatch: Sendable {
    /// Delivers what the journal holds for a repository; throws when that has to be tried again.
    /// - Parameter settles: Whether changes that nobody sees to any more are to be confirmed or dropped
    ///   first.
    typealias JournalDelivery = @Sendable (_ repository: RepositoryID, _ settles: Bool) async throws -> Void

    private struct Lane {
        var events: [Event] = []
        var isJournalDue = false
        var isSettlementDue = false
        var isRunning = false

        var isEmpty: Bool { events.isEmpty && !isJournalDue }
    }

    private enum Step {
        case event(Event)
        case journal(settles: Bool)
        case rest
    }

    private struct State {
        var lanes: [RepositoryID: Lane] = [:]
        var deliverJournal: JournalDelivery?
        var task: Task<Void, Never>?
    }

    /// Events that belong to no repository have a lane too.
    private static let noRepository = RepositoryID(rawValue: 0)
    private static let laneMax = 10_000
    private let events: EventBus
    private let logger: Logger
    private let state = Mutex(State())
    private let due: AsyncStream<RepositoryID>
    private let dueContinuation: AsyncStream<RepositoryID>.Continuation
    private let done: AsyncStream<Void>
    private let doneContinuation: AsyncStream<Void>.Continuation

    init(events: EventBus, logger: Logger) {
        self.events = events
        self.logger = logger
        (due, dueContinuation) = AsyncStream.makeStream()
        (done, doneContinuation) = AsyncStream.makeStream()
    }

    /// Begins to deliver; the task ends with ``stop(within:)``.
    func start(_ deliverJournal: @escaping JournalDelivery) {
        state.withLock { state in
            guard state.task == nil else { return }
            state.deliverJournal = deliverJournal
            state.task = Task { await self.run() }
            for (key, lane) in state.lanes where !lane.isEmpty {
                state.lanes[key]?.isRunning = true
                dueContinuation.yield(key)
            }
        }
    }

    /// Takes no more, and returns when everything is delivered or the time is up.
    func stop(within limit: Duration) async {
        dueContinuation.finish()
        guard let task = state.withLock({ $0.task }) else { return }
        let done = done
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in done {} }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
        task.cancel()
    }

    /// Queues an event that no journal keeps; it is lost when the node dies first.
    func publish(_ event: Event) {
        enqueue(event.repository ?? Self.noRepository) { lane in
            guard lane.events.count < Self.laneMax else { return false }
            lane.events.append(event)
            return true
        }
    }

    /// Says that the journal holds something to deliver for the repository.
    func journalIsDue(_ repository: RepositoryID) {
        enqueue(repository) { lane in
            lane.isJournalDue = true
            return true
        }
    }

    /// Says that the journal holds a change of the repository that may have happened and that nobody sees to.
    func settlementIsDue(_ repository: RepositoryID) {
        enqueue(repository) { lane in
            lane.isJournalDue = true
            lane.isSettlementDue = true
            return true
        }
    }

    private func enqueue(_ key: RepositoryID, _ change: (inout Lane) -> Bool) {
        let isAccepted = state.withLock { state in
            var lane = state.lanes[key, default: Lane()]
            let isAccepted = change(&lane)
            if state.task != nil, !lane.isRunning {
                lane.isRunning = true
                dueContinuation.yield(key)
            }
            state.lanes[key] = lane
            return isAccepted
        }
        if !isAccepted {
            logger.warning("event dropped, too many wait", metadata: ["repository.id": "\(key)"])
        }
    }

    private func run() async {
        await withDiscardingTaskGroup { group in
            for await key in due { group.addTask { await self.work(key) } }
        }
        doneContinuation.finish()
    }

    private func work(_ key: RepositoryID) async {
        var pause = Duration.milliseconds(100)
        while !Task.isCancelled {
            switch next(key) {
            case .rest: return
            case .event(let event): await deliver(event)
            case .journal(let settles):
                guard let deliverJournal = state.withLock({ $0.deliverJournal }) else { return }
                do {
                    try await deliverJournal(key, settles)
                    pause = .milliseconds(100)
                } catch {
                    logger.warning(
                        "events wait for the journal",
                        metadata: ["repository.id": "\(key)", "error": "\(error)"])
                    if settles { settlementIsDue(key) } else { journalIsDue(key) }
                    try? await Task.sleep(for: pause)
                    pause = min(pause * 2, .seconds(30))
                }
            }
        }
    }

    private func next(_ key: RepositoryID) -> Step {
        state.withLock { state in
            guard var lane = state.lanes[key] else { return .rest }
            defer { state.lanes[key] = lane.isRunning ? lane : nil }
            if !lane.events.isEmpty { return .event(lane.events.removeFirst()) }
            if lane.isJournalDue {
                defer { (lane.isJournalDue, lane.isSettlementDue) = (false, false) }
                return .journal(settles: lane.isSettlementDue)
            }
            lane.isRunning = false
            return .rest
        }
    }

    /// Publishes one event; what subscribers throw is logged here and nowhere else.
    func deliver(_ event: Event) async {
        let delivery = await events.publish(event)
        for failure in delivery.failures {
            logger.warning(
                "event handler failed",
                metadata: [
                    "event.key": "\(event.key)", "event.id": "\(event.id)", "subscriber": "\(failure.name)",
                    "error": "\(failure.error)",
                ])
        }
    }
}
