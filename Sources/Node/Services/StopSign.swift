import ServiceLifecycle

/// Turns the node's state to STOPPING as soon as it is asked to stop; the last of the services, so the first
/// that hears of it.
struct StopSign: Service, CustomStringConvertible {
    let status: NodeStatus

    var description: String { "stop sign" }

    func run() async throws {
        // Cancellation is another service's failure, not a wish to stop.
        guard (try? await gracefulShutdown()) != nil else { return }
        status.stop()
    }
}
