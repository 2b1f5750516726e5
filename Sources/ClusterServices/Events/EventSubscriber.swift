internal import Metrics
internal import Synchronization

/// One subscriber: its queues, and the task that works them off one event at a time.
///
/// Events of the log are in memory only a batch ahead; one that falls behind reads on in the log by
/// itself, so that neither a flood nor a subscriber that hangs makes memory grow or keeps anybody else
/// waiting.
final class EventSubscriber: Sendable {
    typealias Handler = @Sendable (Event) async throws -> Void

    private struct State {
        var keys: Set<String>
        var sent = SenderQueues()
        var dropped: Int64 = 0
        var stored: [StoredEvent] = []
        /// Everything up to here is finished, in `stored`, or being handled.
        var readTo: Int64
        /// Up to here the log has events.
        var logTo: Int64
        var isHandlingStored = false
        var isStoredsTurn = true
        var isRunning = false
        var isEnded = false
        var task: Task<Void, Never>?
        var resting: [AsyncStream<Void>.Continuation] = []
    }

    private enum Step {
        case sent(Event, EventReceipt)
        case stored(StoredEvent)
        case read(after: Int64, keys: Set<String>)
        case rest
    }

    private static let retryPause = Duration.milliseconds(100)
    let number: Int
    let name: String
    private let queueMax: Int
    private let feed: EventFeed
    private let handler: Handler
    private let state: Mutex<State>

    init(
        number: Int, name: String, keys: Set<String>, position: Int64, logTo: Int64, queueMax: Int,
        feed: EventFeed, handler: @escaping Handler
    ) {
        (self.number, self.name, self.queueMax) = (number, name, queueMax)
        (self.feed, self.handler) = (feed, handler)
        state = Mutex(State(keys: keys, readTo: position, logTo: max(position, logTo)))
    }

    var keys: Set<String> { state.withLock { $0.keys } }

    var waitingCount: Int64 {
        state.withLock { state in
            // In another timeline of the database positions begin anew above all of before.
            let from = max(state.readTo, (state.logTo >> 40) << 40)
            return Int64(state.sent.count + state.stored.count) + max(0, state.logTo - from)
        }
    }

    var droppedCount: Int64 { state.withLock { $0.dropped } }

    func wants(_ key: String) -> Bool { state.withLock { $0.keys.contains(key) || $0.keys.contains("*") } }

    func listen(to keys: Set<String>) { state.withLock { $0.keys = keys } }

    /// Queues an event that is in no log.
    func send(_ event: Event, _ receipt: EventReceipt, from sender: String) {
        let error: (any Error)? = state.withLock { state in
            guard !state.isEnded else { return EventNotTaken() }
            guard state.sent.add(event, receipt, from: sender, countMax: queueMax) else {
                state.dropped += 1
                return EventDropped()
            }
            proceed(&state)
            return nil
        }
        guard let error else { return }
        Counter(label: "perigee.events.dropped", dimensions: [("event", event.key), ("subscriber", name)])
            .increment()
        receipt.finish(self, error)
    }

    /// Queues what the log has got, unless this subscriber is behind and has to read for itself.
    func offer(_ batch: EventBatch) {
        state.withLock { state in
            guard !state.isEnded else { return }
            state.logTo = max(state.logTo, batch.to)
            let isComplete = state.keys.isSubset(of: batch.keys) || batch.keys.contains("*")
            if state.readTo >= batch.from, isComplete, state.stored.count < EventLog.batchMax {
                take(batch, &state)
            }
            proceed(&state)
        }
    }

    /// Begins with what waits in the log.
    func proceed() { state.withLock { proceed(&$0) } }

    /// Handles nothing more; what runs goes on to its end.
    func end() {
        let left = state.withLock { state in
            state.isEnded = true
            state.stored = []
            return state.sent.removeAll()
        }
        for item in left { item.receipt.finish(self, EventNotTaken()) }
    }

    /// Ends when no handler runs; meant for after ``end()``.
    func rest() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        let isResting = state.withLock { state in
            if state.isRunning { state.resting.append(continuation) }
            return !state.isRunning
        }
        if isResting { continuation.finish() }
        return stream
    }

    private func proceed(_ state: inout State) {
        let hasWork = state.sent.count > 0 || !state.stored.isEmpty || state.readTo < state.logTo
        guard hasWork, !state.isRunning, !state.isEnded else { return }
        state.isRunning = true
        // Owned by this subscriber; ends when there is nothing to do, and soon after end().
        state.task = Task { await self.work() }
    }

    private func take(_ batch: EventBatch, _ state: inout State) {
        let events = batch.events.filter { event in
            let isWanted = state.keys.contains(event.event.key) || state.keys.contains("*")
            return isWanted && event.position > state.readTo
        }
        state.stored += events
        state.readTo = max(state.readTo, batch.to)
        note(state)
    }

    /// Writes down what is finished: all but what waits here.
    private func note(_ state: State) {
        guard !state.isHandlingStored else { return }
        feed.note(name, state.stored.first.map { $0.position - 1 } ?? state.readTo)
    }

    private func work() async {
        while true {
            switch next() {
            case .rest: return
            case .sent(let event, let receipt): receipt.finish(self, await handleAtLast(event))
            case .stored(let stored):
                let isTaken = !(await handle(stored.event) is EventNotTaken)
                finish(stored, isTaken: isTaken)
                if !isTaken { try? await Task.sleep(for: Self.retryPause) }
            case .read(let position, let keys):
                if let batch = await feed.fetch(after: position, keys: keys) {
                    state.withLock { state in
                        state.logTo = max(state.logTo, batch.to)
                        if !state.isEnded { take(batch, &state) }
                    }
                }
            }
        }
    }

    private func next() -> Step {
        let (step, resting) = state.withLock { state -> (Step, [AsyncStream<Void>.Continuation]) in
            if let step = choose(&state) { return (step, []) }
            state.isRunning = false
            defer { state.resting = [] }
            return (.rest, state.resting)
        }
        for continuation in resting { continuation.finish() }
        return step
    }

    private func choose(_ state: inout State) -> Step? {
        guard !state.isEnded else { return nil }
        state.isStoredsTurn.toggle()
        if !state.isStoredsTurn, let item = state.sent.removeNext() { return .sent(item.event, item.receipt) }
        if !state.stored.isEmpty {
            state.isHandlingStored = true
            return .stored(state.stored.removeFirst())
        }
        if state.readTo < state.logTo, !feed.isClosed {
            return .read(after: state.readTo, keys: state.keys)
        }
        return state.sent.removeNext().map { .sent($0.event, $0.receipt) }
    }

    private func finish(_ stored: StoredEvent, isTaken: Bool) {
        state.withLock { state in
            state.isHandlingStored = false
            if isTaken {
                // After its end only what was handled counts: the rest is no longer in the queue.
                if state.isEnded { feed.note(name, stored.position) } else { note(state) }
            } else if !state.isEnded {
                state.stored.insert(stored, at: 0)
            }
        }
    }

    /// As ``handle(_:)``, again until it is taken or this subscriber ends.
    private func handleAtLast(_ event: Event) async -> (any Error)? {
        while true {
            let error = await handle(event)
            guard error is EventNotTaken, !state.withLock({ $0.isEnded }) else { return error }
            try? await Task.sleep(for: Self.retryPause)
        }
    }

    private func handle(_ event: Event) async -> (any Error)? {
        do {
            try await handler(event)
            return nil
        } catch {
            let dimensions = [("event", event.key), ("subscriber", name)]
            Counter(label: "perigee.events.failed", dimensions: dimensions).increment()
            return error
        }
    }
}
