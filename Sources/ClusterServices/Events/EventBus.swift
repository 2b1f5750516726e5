import Metrics
import Synchronization

/// Delivers events to subscribers on this node.
///
/// Each subscriber gets its events one at a time, in the order in which they were published; subscribers do
/// not wait for one another, and one that throws or hangs touches no other. An event that a handler publishes
/// is delivered to that same subscriber within the handler's turn, since waiting for the turn to end would
/// never end.
/// - Source: Atlassian, "Making plugins compatible with Bitbucket Data Center": events stay on the node that
///   raised them.
package final class EventBus: Sendable {
    private let state = Mutex(State())

    /// The subscribers in whose handlers the current task runs.
    @TaskLocal private static var serving: Set<Int> = []

    /// A bus without subscribers.
    package init() {}

    /// Takes part in all events of a key from now on.
    /// - Parameters:
    ///   - key: An event's key, or `*` for every event.
    ///   - name: Who it is, for failures and metrics; need not be unique.
    ///   - handler: Called for one event at a time. It should limit its own time: `publish` waits for it.
    package func subscribe(
        _ key: String, name: String, handler: @escaping @Sendable (Event) async throws -> Void
    ) -> EventSubscription {
        let number = state.withLock { $0.add(Subscriber(key: key, name: name, handler: handler)) }
        return EventSubscription(bus: self, number: number)
    }

    /// Delivers an event and waits until every subscriber has finished with it, also when the calling task is
    /// cancelled.
    /// - Returns: How many took it and who failed; logging is the caller's part.
    package func publish(_ event: Event) async -> EventDelivery {
        Counter(label: "perigee.events.published", dimensions: [("event", event.key)]).increment()
        let serving = EventBus.serving
        let places = state.withLock { $0.places(for: event.key, serving: serving) }
        // Cancelling a task cancels its children, and a handler must not suffer for a client that has left:
        // the group runs in a task of its own, whose owner is this call.
        let delivery = Task { await EventBus.deliver(event, to: places) }
        return await delivery.value
    }

    /// How many subscribers there are.
    package var subscriberCount: Int { state.withLock { $0.subscribers.count } }

    func remove(_ number: Int) {
        state.withLock { _ = $0.subscribers.removeValue(forKey: number) }
    }

    private static func deliver(_ event: Event, to places: [Place]) async -> EventDelivery {
        await withTaskGroup(of: (Place, (any Error)?).self) { group in
            for place in places {
                group.addTask { (place, await serve(event, at: place)) }
            }
            var failures: [(Place, any Error)] = []
            for await (place, error) in group {
                if let error { failures.append((place, error)) }
            }
            failures.sort { $0.0.number < $1.0.number }
            return EventDelivery(
                delivered: places.count - failures.count,
                failures: failures.map { ($0.0.subscriber.name, $0.1) })
        }
    }

    private static func serve(_ event: Event, at place: Place) async -> (any Error)? {
        if let ticket = place.ticket { await place.subscriber.line.wait(for: ticket) }
        defer { if place.ticket != nil { place.subscriber.line.advance() } }
        do {
            try await $serving.withValue(serving.union([place.number])) {
                try await place.subscriber.handler(event)
            }
            return nil
        } catch {
            let dimensions = [("event", event.key), ("subscriber", place.subscriber.name)]
            Counter(label: "perigee.events.failed", dimensions: dimensions).increment()
            return error
        }
    }
}

extension EventBus {
    private struct Subscriber: Sendable {
        let key: String
        let name: String
        let handler: @Sendable (Event) async throws -> Void
        let line = WaitingLine()
    }

    /// A subscriber's turn for one event.
    private struct Place: Sendable {
        let number: Int
        let subscriber: Subscriber
        /// `nil` for an event that the subscriber's own handler publishes.
        let ticket: Int?
    }

    private struct State {
        var subscribers: [Int: Subscriber] = [:]
        private var lastNumber = 0

        mutating func add(_ subscriber: Subscriber) -> Int {
            lastNumber += 1
            subscribers[lastNumber] = subscriber
            return lastNumber
        }

        /// Draws the tickets of all subscribers at once, so that all see two events in the same order.
        func places(for key: String, serving: Set<Int>) -> [Place] {
            subscribers.filter { $0.value.key == key || $0.value.key == "*" }
                .sorted { $0.key < $1.key }
                .map { number, subscriber in
                    let ticket = serving.contains(number) ? nil : subscriber.line.drawTicket()
                    return Place(number: number, subscriber: subscriber, ticket: ticket)
                }
        }
    }
}
