internal import Logging
internal import Synchronization

/// What a bus's subscribers read from the log, and what they write back: up to where each has finished.
///
/// Positions are written down a moment after they are reached, many at once: a commit for each would
/// compete with those of pushes. A killed node delivers again what was not written down yet.
final class EventFeed: Sendable {
    private struct State {
        var source: (any EventSource)?
        var isClosed = false
        /// Up to where each subscriber has finished, and of whom that is not written down yet.
        var positions: [String: Int64] = [:]
        var unsaved: Set<String> = []
        var isDue = false
        var saver: Task<Void, Never>?
    }

    private static let savePause = Duration.milliseconds(200)
    private static let failurePause = Duration.seconds(1)
    let log: EventLog?
    private let logger: Logger
    private let state = Mutex(State())

    init(log: EventLog?, logger: Logger) {
        self.log = log
        self.logger = logger
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Reading and writing begin.
    func open(_ source: any EventSource) { state.withLock { $0.source = source } }

    /// Events after a position; `nil` after a pause when they cannot be read now.
    func fetch(after position: Int64, keys: Set<String>) async -> EventBatch? {
        guard let log, let source = state.withLock({ $0.isClosed ? nil : $0.source }) else { return nil }
        do {
            return try await log.fetch(after: position, keys: keys, from: source) {
                [logger] position, error in
                logger.error(
                    "event left out, it cannot be read",
                    metadata: ["event.position": "\(position)", "error": "\(error)"])
            }
        } catch {
            logger.warning("events wait for the database", metadata: ["error": "\(error)"])
            try? await Task.sleep(for: Self.failurePause)
            return nil
        }
    }

    /// Says that a subscriber has finished with everything up to a position.
    func note(_ subscriber: String, _ position: Int64) {
        guard log != nil else { return }
        state.withLock { state in
            state.positions[subscriber] = max(position, state.positions[subscriber] ?? 0)
            state.unsaved.insert(subscriber)
            schedule(&state)
        }
    }

    /// Where a subscriber goes on: what it has finished with may not be written down yet.
    func open(_ subscriber: String) async throws -> Int64 {
        let saved = try await log?.openCursor(subscriber) ?? 0
        return state.withLock { max(saved, $0.positions[subscriber] ?? 0) }
    }

    /// Gives up the places of subscribers that will not come back.
    func forget(where isGone: @escaping @Sendable (String) -> Bool) async throws {
        try await log?.closeCursors(where: isGone)
        state.withLock { state in
            state.positions = state.positions.filter { !isGone($0.key) }
            schedule(&state)
        }
    }

    /// Says that there may be something to remove from the log.
    func noteChange() { state.withLock { schedule(&$0) } }

    /// Writes down what has been noted; nothing is read or written afterwards.
    func close() async {
        let saver = state.withLock { state in
            state.isClosed = true
            return state.saver
        }
        saver?.cancel()
        await saver?.value
        do {
            while try await save() {}
        } catch {
            logger.warning("events will come again at the next start", metadata: ["error": "\(error)"])
        }
    }

    private func schedule(_ state: inout State) {
        state.isDue = true
        guard state.source != nil, !state.isClosed, state.saver == nil else { return }
        // Owned by this feed, ended by close().
        state.saver = Task { await self.run() }
    }

    private func run() async {
        var pause = Self.savePause
        while isDue() {
            try? await Task.sleep(for: pause)
            guard !isClosed else { return }
            do {
                if try await save() { noteChange() }
                pause = Self.savePause
            } catch {
                logger.warning("delivered events wait to be marked", metadata: ["error": "\(error)"])
                pause = Self.failurePause
            }
        }
    }

    private func isDue() -> Bool {
        state.withLock { state in
            if !state.isDue { state.saver = nil }
            return state.isDue
        }
    }

    /// - Returns: Whether more is to be removed.
    private func save() async throws -> Bool {
        let (positions, source) = state.withLock { state in
            defer { (state.unsaved, state.isDue) = ([], false) }
            return (state.positions.filter { state.unsaved.contains($0.key) }, state.source)
        }
        guard let log, let source else { return false }
        do {
            return try await log.save(positions, source: source)
        } catch {
            state.withLock { state in
                state.unsaved.formUnion(positions.keys)
                state.isDue = true
            }
            throw error
        }
    }
}
