internal import Logging
internal import Synchronization

/// On the upstream: tells the mirrors that rights have changed; changes that come while it does are told
/// together.
final class RightsAnnouncer: Sendable {
    private enum State {
        case idle
        case telling
        /// Something changed since the telling began.
        case again
    }

    private let deliveries: Deliveries
    private let logger: Logger
    private let state = Mutex(State.idle)

    init(deliveries: Deliveries, logger: Logger) {
        self.deliveries = deliveries
        self.logger = logger
    }

    /// Rights have changed; does not wait.
    func note() {
        let begins = state.withLock { state in
            if case .idle = state {
                state = .telling
                return true
            }
            state = .again
            return false
        }
        if begins { Task { await tell() } }
    }

    private func tell() async {
        while true {
            do {
                try await deliveries.announceRights()
            } catch {
                // Mirrors ask anew within a minute all the same.
                logger.warning("mirrors were not told of rights", metadata: ["error": "\(error)"])
            }
            let isOver = state.withLock { state in
                if case .again = state {
                    state = .telling
                    return false
                }
                state = .idle
                return true
            }
            if isOver { return }
        }
    }
}
