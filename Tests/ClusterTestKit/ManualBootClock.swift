package import ClusterServices
import Synchronization

/// A node's boot-time clock that a test can put forward: what a machine sees after a pause.
package final class ManualBootClock: Sendable {
    private let offset = Mutex(Duration.zero)

    package init() {}

    /// The clock, as a node takes it.
    package var clock: BootClock {
        BootClock { [self] in BootClock.system.now + offset.withLock { $0 } }
    }

    /// Puts it forward.
    package func advance(by duration: Duration) { offset.withLock { $0 += duration } }
}
