import HTTPServing

/// A decision on a push that the client need not wait for longer than the operator allows.
struct TimedDecision: Sendable {
    /// How long it may take (`receive.decision-timeout`).
    let timeout: Duration

    /// What is decided, or a refusal when it takes too long or the node gives up; the deciding goes on then,
    /// unheard.
    /// - Parameter refuse: Makes a refusal of a sentence.
    func reply<Reply: Sendable>(
        on executor: EventLoopExecutor, refuse: @escaping @Sendable (String) -> Reply,
        _ decide: @escaping @Sendable () async -> Reply
    ) async -> Reply {
        let (timeout, first) = (timeout, FirstReply<Reply>())
        let deciding = Task(executorPreference: executor) { first.give(await decide()) }
        let timer = Task(executorPreference: executor) {
            guard (try? await Task.sleep(for: timeout)) != nil else { return }
            first.give(
                refuse(
                    "The server did not decide on this push within \(timeout.components.seconds) s. "
                        + "Push again; if that does not help, tell its administrator."))
        }
        defer {
            deciding.cancel()
            timer.cancel()
        }
        return await withTaskCancellationHandler {
            await first.wait()
        } onCancel: {
            first.give(refuse("The server is stopping. Push again in a moment."))
        }
    }
}
