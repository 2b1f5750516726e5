import RESTAPI
import Synchronization

/// Where the node is in its life; only ever forward, with conditions that come and go while it serves.
final class NodeStatus: Sendable {
    /// What may hold for a while of a node that serves; of several the first counts.
    enum Condition: Int, Sendable, CaseIterable {
        /// The database does not answer.
        case databaseAway
        /// Busy with something that must not be disturbed, such as a backup.
        case maintenance
        /// Its setup is not done.
        case firstRun

        var state: NodeState {
            switch self {
            case .databaseAway: .error
            case .maintenance: .maintenance
            case .firstRun: .firstRun
            }
        }
    }

    private enum Phase { case starting, failed, serving, leaving, stopping }

    private struct Facts {
        var phase = Phase.starting
        var conditions: Set<Condition> = []
    }

    private let facts = Mutex(Facts())

    /// The state now.
    var state: NodeState {
        facts.withLock { facts in
            switch facts.phase {
            case .starting: .starting
            case .failed: .error
            case .leaving, .stopping: .stopping
            case .serving: Condition.allCases.first { facts.conditions.contains($0) }?.state ?? .running
            }
        }
    }

    /// Whether new requests are taken: from the end of the start until the node is asked to stop, and for the
    /// delay that balancers are given.
    ///
    /// Also while the database is away: whatever needs it says so itself.
    var isServing: Bool { facts.withLock { $0.phase == .serving || $0.phase == .leaving } }

    /// Whether the node was asked to stop.
    var isStopping: Bool { facts.withLock { $0.phase == .stopping || $0.phase == .leaving } }

    /// Everything is up.
    func serve() { facts.withLock { if $0.phase == .starting { $0.phase = .serving } } }

    /// The node was asked to stop, and takes requests until ``stop()``.
    func leave() { facts.withLock { if $0.phase == .serving { $0.phase = .leaving } } }

    /// No more requests are taken.
    func stop() { facts.withLock { if $0.phase != .failed { $0.phase = .stopping } } }

    /// The start went wrong.
    func fail() { facts.withLock { if $0.phase == .starting { $0.phase = .failed } } }

    /// A condition holds from now on, or no longer.
    /// - Returns: Whether that is news.
    @discardableResult
    func set(_ condition: Condition, _ holds: Bool) -> Bool {
        facts.withLock { facts in
            if holds { return facts.conditions.insert(condition).inserted }
            return facts.conditions.remove(condition) != nil
        }
    }
}
