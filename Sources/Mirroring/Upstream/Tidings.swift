internal import SharedDatabase
import Synchronization

/// What the nodes of the upstream tell each other about mirrors: rings the bells. Nothing is lost when it is
/// not heard, as what there is to know is in the database.
final class Tidings: Sendable {
    private let task = Mutex<Task<Void, Never>?>(nil)
    private let bells: Bells

    init(bells: Bells) {
        self.bells = bells
    }

    /// Listens until ``stop()``.
    func start(_ database: SharedDatabase) async throws {
        let signals = try await database.signals(of: [Deliveries.channel])
        let listening = Task { [weak self] in
            for await signal in signals { self?.take(signal) }
        }
        task.withLock { $0 = listening }
    }

    func stop() {
        task.withLock { task in
            task?.cancel()
            task = nil
        }
        bells.ringAll()
    }

    private func take(_ signal: DatabaseSignal) {
        switch signal {
        case .notification(_, MirrorMarks.news): bells.ringAll()
        case .notification(_, let payload): bells.ring(payload)
        // Anything may have happened.
        default: bells.ringAll()
        }
    }
}
