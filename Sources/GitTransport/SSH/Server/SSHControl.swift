import Synchronization

/// How a connection's thread is told to end from outside.
final class SSHControl: Sendable {
    /// Why, from the mildest on.
    enum End: Int, Sendable, Comparable {
        /// The node stops: when nothing is being answered any more.
        case stopping
        /// The key may no longer be used: at once.
        case revoked
        /// The time to stop is over: at once.
        case cut

        static func < (first: End, second: End) -> Bool { first.rawValue < second.rawValue }
    }

    /// Wakes the thread.
    let waker: SSHWaker
    private let state = Mutex<End?>(nil)

    init() throws(SSHDoorError) {
        waker = try SSHWaker()
    }

    /// What the thread was told; nil for nothing.
    var end: End? { state.withLock { $0 } }

    /// Tells the thread; a milder reason does not replace a stronger one.
    func end(_ end: End) {
        state.withLock { $0 = max($0 ?? end, end) }
        waker.wake()
    }
}
