import ClusterServices

/// Events that a plugin published, on their way to the bus: in order, off the plugin's own run, so that a
/// handler may publish what the same plugin hears.
final class PluginOutbox: Sendable {
    private let continuation: AsyncStream<Event>.Continuation
    private let task: Task<Void, Never>

    /// - Parameter countMax: Events that may wait.
    init(bus: EventBus, countMax: Int) {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Event.self, bufferingPolicy: .bufferingOldest(countMax))
        self.continuation = continuation
        // Owned by this outbox: ended by stop(), or by the last reference to it.
        task = Task {
            for await event in stream { _ = await bus.publish(event) }
        }
    }

    deinit { task.cancel() }

    /// - Returns: `false` when too many wait already.
    func send(_ event: Event) -> Bool {
        if case .enqueued = continuation.yield(event) { true } else { false }
    }

    /// Takes nothing more, and lets what was sent go out.
    func stop() { continuation.finish() }
}
