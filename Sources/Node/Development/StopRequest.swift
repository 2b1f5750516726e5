import Glibc
import Synchronization

/// Whether somebody has asked this process to stop, by SIGINT, SIGTERM or SIGHUP.
struct StopRequest: ~Copyable {
    private static let count = Atomic<Int>(0)

    init() {
        Self.count.store(0, ordering: .relaxed)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { _ in StopRequest.count.wrappingAdd(1, ordering: .relaxed) }
        }
    }

    /// Whether a signal has come. It stays so.
    var isRequested: Bool { Self.count.load(ordering: .relaxed) > 0 }

    /// Whether one came after another: somebody is in a hurry.
    var isUrgent: Bool { Self.count.load(ordering: .relaxed) > 1 }

    /// Waits about as long as it says.
    func wait(milliseconds: CInt) { _ = poll(nil, 0, milliseconds) }
}
