import Portable
import Synchronization

/// Where functions were found among the arguments of a call.
final class Places: Sendable {
    private let state = Mutex<(names: [String], values: [PortableValue])>(([], []))

    var names: [String] { state.withLock { $0.names } }
    var values: [PortableValue] { state.withLock { $0.values } }

    func set(_ names: [String], _ values: [PortableValue]) {
        state.withLock { $0 = (names, values) }
    }
}
