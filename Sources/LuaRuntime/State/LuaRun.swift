import Synchronization

/// One call into a state while it is in flight: what it waits for, and whether it is to end.
final class LuaRun: Sendable {
    /// What the host gave for a host call.
    enum Answer: Sendable {
        case reply(LuaReply)
        case entered(LuaBracket, function: LuaFunctionReference?)
        /// The run is to end; the call's own answer is dropped.
        case interrupted
    }

    private struct Waiting {
        var isInterrupted = false
        var waiter: UnsafeContinuation<Answer, Never>?
        var task: Task<Void, Never>?
    }

    let context: (any Sendable)?
    let limit: Duration
    private let waiting = Mutex(Waiting())

    init(context: (any Sendable)?, limit: Duration) {
        self.context = context
        self.limit = limit
    }

    /// Whether somebody wants this run to end.
    var isInterrupted: Bool { waiting.withLock { $0.isInterrupted } }

    /// Runs a host function's body and waits for its answer or for an interruption. It begins on the Lua
    /// thread and leaves it where it first waits. After an interruption `dropped` gets the answer that came
    /// too late.
    func answer(
        isolation: isolated (any Actor)? = #isolation, _ body: @escaping @Sendable () async -> Answer,
        dropped: @escaping @Sendable (Answer) async -> Void
    ) async -> Answer {
        await withUnsafeContinuation { waiter in
            let isRefused = waiting.withLock { waiting in
                if !waiting.isInterrupted { waiting.waiter = waiter }
                return waiting.isInterrupted
            }
            if isRefused { waiter.resume(returning: .interrupted) } else { start(body, dropped) }
        }
    }

    /// Ends the wait, if there is one, cancels the host function's task, and marks the run.
    func interrupt() {
        let (waiter, task) = waiting.withLock { waiting in
            defer {
                waiting.waiter = nil
                waiting.task = nil
                waiting.isInterrupted = true
            }
            return (waiting.waiter, waiting.task)
        }
        task?.cancel()
        waiter?.resume(returning: .interrupted)
    }

    /// The run owns the task until the body has answered.
    private func start(
        _ body: @escaping @Sendable () async -> Answer, _ dropped: @escaping @Sendable (Answer) async -> Void
    ) {
        // Its first part runs here, so that an answer that needs no wait costs no change of threads.
        let task = Task.immediate {
            let answer = await body()
            if !finish(answer) { await dropped(answer) }
        }
        let isLate = waiting.withLock { waiting in
            if waiting.waiter != nil { waiting.task = task }
            return waiting.isInterrupted
        }
        if isLate { task.cancel() }
    }

    /// False when nobody waits any more.
    private func finish(_ answer: Answer) -> Bool {
        let waiter = waiting.withLock { waiting in
            defer {
                waiting.waiter = nil
                waiting.task = nil
            }
            return waiting.waiter
        }
        waiter?.resume(returning: answer)
        return waiter != nil
    }
}
