/// A subscriber's place on the bus; it lasts until `cancel`, not until it is released.
package struct EventSubscription: Sendable {
    let bus: EventBus
    let subscriber: EventSubscriber

    /// Delivers nothing more; what runs goes on to its end. What the log holds waits for the next
    /// subscriber of the same name. A second time does nothing.
    package func cancel() {
        bus.remove(subscriber.number)
        subscriber.end()
    }

    /// Takes part in events of these keys from now on.
    package func listen(to keys: Set<String>) { subscriber.listen(to: keys) }

    /// How many events wait; while it is far behind also those in the log that may not be for it.
    package var waitingCount: Int64 { subscriber.waitingCount }

    /// How many published events were dropped, since too many of their sender waited.
    package var droppedCount: Int64 { subscriber.droppedCount }
}
