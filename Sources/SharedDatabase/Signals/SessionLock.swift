import Synchronization

/// A lock that ends when its holder's session with the database does: at once when its process dies, and by
/// itself when the connection is cut. It says that somebody lives, and protects nothing.
package final class SessionLock: Sendable {
    private struct State {
        var isHeld = true
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// What it is a lock on.
    package let key: Int64
    private let state = Mutex(State())
    private let onRelease: @Sendable (SessionLock) async -> Void

    init(key: Int64, onRelease: @escaping @Sendable (SessionLock) async -> Void) {
        self.key = key
        self.onRelease = onRelease
    }

    /// Whether it has been neither released nor lost, as far as this process knows.
    package var isHeld: Bool { state.withLock { $0.isHeld } }

    /// Gives it back, where it is still held.
    package func release() async {
        guard end() else { return }
        await onRelease(self)
    }

    /// Returns when it is lost or released; also after the fact.
    package func waitForEnd() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isOver = state.withLock { state in
                if state.isHeld { state.waiters.append(continuation) }
                return !state.isHeld
            }
            if isOver { continuation.resume() }
        }
    }

    /// Marks it as no longer held.
    /// - Returns: Whether it was.
    @discardableResult
    func end() -> Bool {
        let (wasHeld, waiters) = state.withLock { state in
            defer {
                state.isHeld = false
                state.waiters = []
            }
            return (state.isHeld, state.waiters)
        }
        for waiter in waiters { waiter.resume() }
        return wasHeld
    }
}
