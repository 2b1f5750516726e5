import ServiceLifecycle

/// Turns the node's state to STOPPING as soon as it is asked to stop; the last of the services, so the first
/// that hears of it. The others hear of it after the delay, in which balancers take the node out.
struct StopSign: Service, CustomStringConvertible {
    let status: NodeStatus
    var delay: Duration = .zero

    var description: String { "stop sign" }

    func run() async throws {
        // Cancellation is another service's failure, not a wish to stop.
        guard (try? await gracefulShutdown()) != nil else { return }
        if delay > .zero {
            status.leave()
            // Owned by this service: the group that stops it has cancelled nothing yet.
            try? await Task.sleep(for: delay)
        }
        status.stop()
    }
}
