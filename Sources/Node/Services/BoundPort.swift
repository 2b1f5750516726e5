import Synchronization

/// The port that the HTTP server is bound to, once it is.
final class BoundPort: Sendable {
    private let number = Mutex<Int?>(nil)
    private let signal = StartSignal()

    /// The server listens.
    func settle(_ port: Int) {
        number.withLock { $0 = port }
        signal.settle(true)
    }

    /// Waits until the server listens.
    /// - Throws: `CancellationError` when the node gives up first.
    func wait() async throws -> Int {
        guard await signal.wait(), let port = number.withLock({ $0 }) else { throw CancellationError() }
        return port
    }
}
