import Synchronization

/// What one reader of signals has not read yet, in order and bounded.
final class SignalMailbox: Sendable {
    /// So many are kept; a reader further behind is told that it missed some.
    static let lengthMax = 16_384

    private struct State {
        var signals: [DatabaseSignal] = []
        /// The first one of `signals` that has not been read.
        var head = 0
        var reader: CheckedContinuation<DatabaseSignal?, Never>?
        var isClosed = false
    }

    let channels: Set<String>
    private let state = Mutex(State())
    private let onEnd: @Sendable (SignalMailbox) -> Void

    init(channels: [String], onEnd: @escaping @Sendable (SignalMailbox) -> Void) {
        self.channels = Set(channels)
        self.onEnd = onEnd
    }

    func put(_ signal: DatabaseSignal) {
        let reader: CheckedContinuation<DatabaseSignal?, Never>? = state.withLock { state in
            guard !state.isClosed else { return nil }
            if let reader = state.reader {
                state.reader = nil
                return reader
            }
            if state.signals.count - state.head >= SignalMailbox.lengthMax {
                // Where the overflow happens while nothing is heard, the end of that is still to come.
                let isDeaf = state.signals.last { $0 == .interrupted || $0 == .resumed } == .interrupted
                state.signals = isDeaf ? [.interrupted] : [.interrupted, .resumed]
                state.head = 0
            }
            state.signals.append(signal)
            return nil
        }
        reader?.resume(returning: signal)
    }

    /// Lets the reader read what is there and then end.
    func close() {
        state.withLock { state in
            state.isClosed = true
            defer { state.reader = nil }
            return state.reader
        }?.resume(returning: nil)
    }

    /// For one reader. It ends with the engine, with the reader's task, or when it is given up.
    func stream() -> AsyncStream<DatabaseSignal> {
        let lease = Lease(self)
        return AsyncStream(unfolding: { await lease.mailbox.next() }, onCancel: { lease.mailbox.end() })
    }

    private func end() {
        close()
        onEnd(self)
    }

    private func next() async -> DatabaseSignal? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: DatabaseSignal?? = state.withLock { state in
                    if state.head < state.signals.count {
                        defer { state.head += 1 }
                        let signal = state.signals[state.head]
                        if state.head > 1024, state.head * 2 > state.signals.count {
                            state.signals.removeFirst(state.head)
                            state.head = 0
                        }
                        return signal
                    }
                    state.signals.removeAll(keepingCapacity: true)
                    state.head = 0
                    if state.isClosed || Task.isCancelled || state.reader != nil {
                        return .some(.none)
                    }
                    state.reader = continuation
                    return .none
                }
                if case .some(let signal) = answer { continuation.resume(returning: signal) }
            }
        } onCancel: {
            end()
        }
    }

    /// Ends the mailbox when nobody holds its stream any more.
    private final class Lease: Sendable {
        let mailbox: SignalMailbox

        init(_ mailbox: SignalMailbox) { self.mailbox = mailbox }

        deinit { mailbox.end() }
    }
}
