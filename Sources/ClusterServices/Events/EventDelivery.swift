internal import Synchronization

/// How the delivery of one event went.
package struct EventDelivery: Sendable {
    /// How many subscribers took the event without an error.
    package let delivered: Int
    /// The subscribers that threw, or did not get it, by name, with the reason.
    package let failures: [(name: String, error: any Error)]
}

/// Thrown by a handler that cannot take an event now, since what it belongs to ends or is replaced: the
/// event counts as not handled, and one from the log comes again.
package struct EventNotTaken: Error, CustomStringConvertible {
    /// Nothing more is to be said.
    package init() {}

    /// The fact as a lower-case clause.
    package var description: String { "the subscriber was stopped before the event reached it" }
}

/// Why an event of a plugin was left out: too many of its sender wait for the subscriber.
package struct EventDropped: Error, CustomStringConvertible {
    /// The fact as a lower-case clause.
    package var description: String { "too many events of its sender wait for the subscriber" }
}

/// What becomes of a published event.
package final class EventReceipt: Sendable {
    private struct State {
        var open: Int
        var dropped = 0
        var delivered = 0
        var failures: [(number: Int, name: String, error: any Error)] = []
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let count: Int
    private let state: Mutex<State>

    init(count: Int) {
        self.count = count
        state = Mutex(State(open: count))
    }

    /// Whether there are subscribers, and none of them has room for it.
    package var isRefused: Bool { count > 0 && state.withLock { $0.dropped } == count }

    /// Waits until every subscriber has finished with the event.
    package func delivery() async -> EventDelivery {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.open > 0 { state.waiting.append(continuation) }
                return state.open == 0
            }
            if isOver { continuation.resume() }
        }
        return state.withLock { state in
            let failures = state.failures.sorted { $0.number < $1.number }
            return EventDelivery(
                delivered: state.delivered, failures: failures.map { ($0.name, $0.error) })
        }
    }

    func finish(_ subscriber: EventSubscriber, _ error: (any Error)?) {
        let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.open -= 1
            if error is EventDropped { state.dropped += 1 }
            if let error {
                state.failures.append((subscriber.number, subscriber.name, error))
            } else {
                state.delivered += 1
            }
            guard state.open == 0 else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
