internal import Synchronization

/// Who is told at once that users, permissions, tokens, keys or repositories have changed on this node.
final class AccessChanges: Sendable {
    private let handlers = Mutex<[@Sendable () -> Void]>([])

    func add(_ handler: @escaping @Sendable () -> Void) { handlers.withLock { $0.append(handler) } }

    func announce() {
        for handler in handlers.withLock({ $0 }) { handler() }
    }
}

extension Hosting {
    /// Calls `handler` when somebody may do something else than before, by a change on this node; it must
    /// not block.
    package func onAccessChange(_ handler: @escaping @Sendable () -> Void) {
        services.accessChanges.add(handler)
    }
}
