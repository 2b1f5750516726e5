internal import Synchronization

/// What acquires locks: one call of a handler, one request. A run that asks for a lock which it holds is
/// refused.
package struct LockRun: Sendable, Hashable {
    private static let lastNumber = Mutex<Int64>(0)
    private let number: Int64

    /// A run of its own.
    package init() {
        number = LockRun.lastNumber.withLock { last in
            last += 1
            return last
        }
    }
}
