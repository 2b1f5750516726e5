/// A subscriber's place on the bus; it lasts until `cancel`, not until it is released.
package struct EventSubscription: Sendable {
    private let bus: EventBus
    private let number: Int

    init(bus: EventBus, number: Int) {
        self.bus = bus
        self.number = number
    }

    /// Delivers nothing more. Deliveries that have been published already still arrive. A second time does
    /// nothing.
    package func cancel() {
        bus.remove(number)
    }
}
