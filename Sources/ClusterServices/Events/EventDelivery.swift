/// How the delivery of one event went.
package struct EventDelivery: Sendable {
    /// How many subscribers took the event without an error.
    package let delivered: Int
    /// The subscribers that threw, by name, with what they threw.
    package let failures: [(name: String, error: any Error)]
}
