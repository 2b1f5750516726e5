import Synchronization

/// Who listens to the changes of a membership.
final class MembershipStreams: Sendable {
    /// So many changes wait for a listener; older ones are dropped.
    private static let waitingMax = 4_096

    private struct State {
        var continuations: [Int: AsyncStream<MembershipChange>.Continuation] = [:]
        var lastNumber = 0
        var isFinished = false
    }

    private let state = Mutex(State())

    func add() -> AsyncStream<MembershipChange> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: MembershipChange.self, bufferingPolicy: .bufferingNewest(MembershipStreams.waitingMax))
        let number: Int? = state.withLock { state in
            guard !state.isFinished else { return nil }
            state.lastNumber += 1
            state.continuations[state.lastNumber] = continuation
            return state.lastNumber
        }
        guard let number else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.continuations.removeValue(forKey: number) }
        }
        return stream
    }

    func tell(_ change: MembershipChange) {
        for continuation in state.withLock({ $0.continuations.sorted { $0.key < $1.key } }) {
            continuation.value.yield(change)
        }
    }

    func finish() {
        let continuations = state.withLock { state in
            state.isFinished = true
            defer { state.continuations = [:] }
            return Array(state.continuations.values)
        }
        for continuation in continuations { continuation.finish() }
    }
}
