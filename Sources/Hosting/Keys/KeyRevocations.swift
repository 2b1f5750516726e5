internal import Portable
internal import Synchronization

/// Who is told at once when keys are taken away on this node.
final class KeyRevocations: Sendable {
    private let handlers = Mutex<[@Sendable (Set<SSHKeyID>) -> Void]>([])

    func add(_ handler: @escaping @Sendable (Set<SSHKeyID>) -> Void) {
        handlers.withLock { $0.append(handler) }
    }

    func announce(_ keys: Set<SSHKeyID>) {
        guard !keys.isEmpty else { return }
        for handler in handlers.withLock({ $0 }) { handler(keys) }
    }
}
