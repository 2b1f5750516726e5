internal import Logging
internal import SharedDatabase
import Synchronization

/// What the nodes of the upstream tell each other about mirrors: rings the bells, and keeps two marks that
/// change when something has, or may have been missed.
final class Tidings: Sendable {
    private struct State {
        var catalogue: UInt64 = 0
        var rights: UInt64 = 0
        var task: Task<Void, Never>?
    }

    private let state = Mutex(State())
    private let bells: Bells
    /// Tells the marks of one life of a node from those of another.
    private let life = UInt64.random(in: .min ... .max)

    init(bells: Bells) {
        self.bells = bells
    }

    /// Changes when projects, repositories or mirrors may have changed.
    var catalogue: String { "\(life)-\(state.withLock { $0.catalogue })" }
    /// Changes when somebody may do less than before.
    var rights: String { "\(life)-\(state.withLock { $0.rights })" }

    /// Listens until ``stop()``.
    func start(_ database: SharedDatabase) async throws {
        let signals = try await database.signals(of: [Deliveries.channel])
        let task = Task { [weak self] in
            for await signal in signals { self?.take(signal) }
        }
        state.withLock { $0.task = task }
    }

    func stop() {
        state.withLock { state in
            state.task?.cancel()
            state.task = nil
        }
        bells.ringAll()
    }

    private func take(_ signal: DatabaseSignal) {
        guard case .notification(_, let payload) = signal else {
            // Anything may have happened.
            state.withLock { state in
                state.catalogue &+= 1
                state.rights &+= 1
            }
            bells.ringAll()
            return
        }
        switch payload {
        case "catalogue":
            state.withLock { $0.catalogue &+= 1 }
            bells.ringAll()
        case "rights":
            state.withLock { $0.rights &+= 1 }
            bells.ringAll()
        default: bells.ring(payload)
        }
    }
}
