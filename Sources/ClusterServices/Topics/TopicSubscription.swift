import Synchronization

/// A subscriber of a topic on this node; it hears until it is cancelled or the service stops.
///
/// Messages are handed over one at a time, in the order in which they were heard. What comes while
/// ``queueMax`` wait is dropped and counted.
package final class TopicSubscription: Sendable {
    private struct State {
        var queue: [TopicMessage] = []
        var dropped: Int64 = 0
        var isOver = false
    }
    private let state = Mutex(State())
    private let bell: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation
    private let body: @Sendable (TopicMessage) async -> Void
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// Messages that may wait.
    package static let queueMax = 1_000

    init(_ body: @escaping @Sendable (TopicMessage) async -> Void) {
        self.body = body
        (bell, ring) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let work = Task { [weak self, bell] in
            for await _ in bell { await self?.drain() }
        }
        task.withLock { $0 = work }
    }

    deinit { end() }

    /// Messages that did not fit, so far.
    package var dropped: Int64 { state.withLock { $0.dropped } }

    /// Ends it: what waits is dropped, and a call that runs is cancelled.
    package func cancel() { end() }

    func give(_ message: TopicMessage) {
        let isTaken = state.withLock { state in
            guard !state.isOver else { return false }
            guard state.queue.count < Self.queueMax else {
                state.dropped += 1
                return false
            }
            state.queue.append(message)
            return true
        }
        if isTaken { ring.yield() }
    }

    private func drain() async {
        while let message = next() { await body(message) }
    }

    private func next() -> TopicMessage? {
        state.withLock { state in
            state.isOver || state.queue.isEmpty ? nil : state.queue.removeFirst()
        }
    }

    private func end() {
        state.withLock { state in
            state.isOver = true
            state.queue = []
        }
        ring.finish()
        task.withLock { task in
            defer { task = nil }
            return task
        }?.cancel()
    }
}
