/// A lock that is held. It is given back by ``release()``, and when nobody refers to the guard any more.
package final class LockGuard: Sendable {
    let hold: LockHold
    private let service: LockService

    init(hold: LockHold, service: LockService) {
        self.hold = hold
        self.service = service
    }

    deinit {
        if hold.release() { service.giveBack(hold, then: nil) }
    }

    /// Which lock.
    package var name: LockName { hold.name }

    /// The fencing token of this grant: greater than those of all earlier grants of this lock.
    package var token: Int64 { hold.token }

    /// What writes under this lock are checked against.
    package var fence: LockFence { LockFence(name: hold.name, token: hold.token) }

    /// Whether the lock is certainly still held: by this node's boot-time clock no other node can have been
    /// granted it. What is outside the server must check the token all the same: a program can be stopped
    /// between this answer and what it does next.
    package var isHeld: Bool { hold.isOpen && service.isCurrent(hold.incarnation) }

    /// Calls the body when the lock is lost: the node's lease has ended, or an administrator broke the lock.
    /// At once when that has happened already; never after a release. It must return soon, as others are told
    /// after it.
    package func onLoss(_ body: @escaping @Sendable () -> Void) { hold.onLoss(body) }

    /// Gives the lock back, to the next waiter where there is one. Does nothing the second time.
    package func release() async {
        guard hold.release() else { return }
        await withCheckedContinuation { continuation in
            service.giveBack(hold) { continuation.resume() }
        }
    }
}
