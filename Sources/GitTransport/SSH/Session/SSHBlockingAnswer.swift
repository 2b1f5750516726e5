import Dispatch
import Synchronization

/// Lets a thread that is not of Swift's pool wait for asynchronous work.
enum SSHBlockingAnswer {
    /// Runs `work` in a task and waits for it.
    /// - Parameter limit: After this the task is cancelled, and the answer is nil.
    static func wait<Value: Sendable>(
        atMost limit: Duration, _ work: @escaping @Sendable () async -> Value
    ) -> Value? {
        let answer = Box<Value>()
        let task = Task.detached {
            let value = await work()
            answer.settle(value)
        }
        let milliseconds = Int(clamping: limit.components.seconds) * 1000
        guard answer.done.wait(timeout: .now() + .milliseconds(milliseconds)) == .success else {
            task.cancel()
            return nil
        }
        return answer.value
    }

    private final class Box<Value: Sendable>: Sendable {
        let done = DispatchSemaphore(value: 0)
        private let storage = Mutex<Value?>(nil)
        var value: Value? { storage.withLock { $0 } }
        func settle(_ value: Value) {
            storage.withLock { $0 = value }
            done.signal()
        }
    }
}
