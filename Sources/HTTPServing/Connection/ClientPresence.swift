import Synchronization

/// Tells whether the client of one connection is still there.
///
/// A client counts as gone when the connection is closed or reset, and also when it closes its sending side:
/// git and
/// curl never do that while they wait for an answer, so a process that works for such a client may be ended.
package final class ClientPresence: Sendable {
    private struct State {
        var hasLeft = false
        var nextToken: UInt64 = 0
        var actions: [UInt64: @Sendable () -> Void] = [:]
    }

    /// The presence of the client whose request the current task answers, or nil outside of a request.
    @TaskLocal package static var current: ClientPresence?

    private let state = Mutex(State())

    /// A client that is there.
    package init() {}

    /// Whether the client has gone.
    package var hasLeft: Bool { state.withLock { $0.hasLeft } }

    /// Runs `action` once when the client goes, or at once if it has gone already.
    /// - Parameter action: Called on the connection's event loop; it must not block.
    /// - Returns: What ``removeAction(_:)`` takes.
    package func onDeparture(_ action: @escaping @Sendable () -> Void) -> UInt64 {
        let token: UInt64? = state.withLock { state in
            if state.hasLeft { return nil }
            state.nextToken += 1
            state.actions[state.nextToken] = action
            return state.nextToken
        }
        if let token { return token }
        action()
        return 0
    }

    /// Forgets an action; nothing happens when it has run already.
    package func removeAction(_ token: UInt64) {
        state.withLock { $0.actions[token] = nil }
    }

    /// Runs `body`, and `action` if the client goes before `body` is done.
    package func withDepartureHandler<R>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> R,
        onDeparture action: @escaping @Sendable () -> Void
    ) async rethrows -> R {
        let token = onDeparture(action)
        defer { removeAction(token) }
        return try await body()
    }

    /// Marks the client as gone and runs what waits for that.
    package func leave() {
        let actions = state.withLock { state in
            state.hasLeft = true
            let actions = state.actions
            state.actions = [:]
            return actions
        }
        for action in actions.values { action() }
    }
}
