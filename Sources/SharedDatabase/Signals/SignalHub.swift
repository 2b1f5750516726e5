import Synchronization

/// Who reads the signals of which channels in this process.
final class SignalHub: Sendable {
    private struct State {
        var mailboxes: [ObjectIdentifier: SignalMailbox] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())
    /// Called without a lock when a reader is gone.
    private let onEnd: @Sendable () -> Void

    init(onEnd: @escaping @Sendable () -> Void = {}) {
        self.onEnd = onEnd
    }

    /// A mailbox for a new reader; `nil` after ``close()``.
    func add(_ channels: [String]) -> SignalMailbox? {
        let mailbox = SignalMailbox(channels: channels) { [weak self] in self?.remove($0) }
        return state.withLock { state in
            guard !state.isClosed else { return nil }
            state.mailboxes[ObjectIdentifier(mailbox)] = mailbox
            return mailbox
        }
    }

    /// What somebody reads.
    var channels: Set<String> {
        state.withLock { state in
            state.mailboxes.values.reduce(into: []) { all, mailbox in all.formUnion(mailbox.channels) }
        }
    }

    func deliver(channel: String, payload: String) {
        let readers = state.withLock { state in
            state.mailboxes.values.filter { $0.channels.contains(channel) }
        }
        for reader in readers { reader.put(.notification(channel: channel, payload: payload)) }
    }

    /// Tells every reader.
    func tellAll(_ signal: DatabaseSignal) {
        for reader in state.withLock({ Array($0.mailboxes.values) }) { reader.put(signal) }
    }

    func close() {
        let readers = state.withLock { state in
            state.isClosed = true
            defer { state.mailboxes = [:] }
            return Array(state.mailboxes.values)
        }
        for reader in readers { reader.close() }
    }

    private func remove(_ mailbox: SignalMailbox) {
        let wasThere = state.withLock { $0.mailboxes.removeValue(forKey: ObjectIdentifier(mailbox)) != nil }
        if wasThere { onEnd() }
    }
}
