import Synchronization

/// One grant of a lock to this node, from its commit to its end.
final class LockHold: Sendable {
    private enum State {
        case held(onLoss: [@Sendable () -> Void])
        case lost
        case released
    }

    let name: LockName
    let token: Int64
    let incarnation: NodeIncarnation
    let run: LockRun
    private let state = Mutex(State.held(onLoss: []))

    init(name: LockName, token: Int64, incarnation: NodeIncarnation, run: LockRun) {
        self.name = name
        self.token = token
        self.incarnation = incarnation
        self.run = run
    }

    var isOpen: Bool {
        state.withLock { if case .held = $0 { true } else { false } }
    }

    var isLost: Bool {
        state.withLock { if case .lost = $0 { true } else { false } }
    }

    /// Calls the body once when the grant is lost; at once when it is already.
    func onLoss(_ body: @escaping @Sendable () -> Void) {
        let isLost = state.withLock { state in
            if case .held(let bodies) = state { state = .held(onLoss: bodies + [body]) }
            if case .lost = state { return true }
            return false
        }
        if isLost { body() }
    }

    func lose() {
        let bodies: [@Sendable () -> Void] = state.withLock { state in
            guard case .held(let bodies) = state else { return [] }
            state = .lost
            return bodies
        }
        for body in bodies { body() }
    }

    /// - Returns: Whether it was held until now.
    func release() -> Bool {
        state.withLock { state in
            guard case .held = state else { return false }
            state = .released
            return true
        }
    }
}
