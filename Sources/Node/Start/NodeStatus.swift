import RESTAPI
import Synchronization

/// Where the node is in its life; only ever forward, save that an error can come at any time before the stop.
final class NodeStatus: Sendable {
    private let storage = Mutex(NodeState.starting)

    /// The state now.
    var state: NodeState { storage.withLock { $0 } }

    /// Whether the node answers requests: from RUNNING until it is asked to stop, and while it drains.
    var answers: Bool {
        switch state {
        case .running, .maintenance, .stopping: true
        case .starting, .firstRun, .error: false
        }
    }

    /// Everything is up.
    func serve() { storage.withLock { if $0 == .starting { $0 = .running } } }

    /// The node that served was asked to stop.
    func stop() { storage.withLock { if $0 == .running { $0 = .stopping } } }

    /// The start went wrong.
    func fail() { storage.withLock { $0 = .error } }
}
