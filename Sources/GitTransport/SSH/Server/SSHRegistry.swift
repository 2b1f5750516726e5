import Synchronization

/// The connections that there are, and how they are told to end.
final class SSHRegistry: Sendable {
    /// Why a connection is not served.
    enum Refusal: String, Sendable {
        case connections = "too many connections"
        case unauthenticated = "too many connections that are not logged in"
        case address = "too many connections from this address"
        case stopping = "the node is stopping"
    }

    private struct State {
        var isStopping = false
        var entries: [UInt64: Entry] = [:]
        var byAddress: [String: Int] = [:]
        var unauthenticated = 0
        var lastID: UInt64 = 0
        var running = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter = 0

        /// Counts a connection of an address; those of an unknown one are not counted.
        mutating func enter(_ address: String, limit: Int) -> Bool {
            guard !address.isEmpty else { return true }
            let count = byAddress[address, default: 0]
            guard count < limit else { return false }
            byAddress[address] = count + 1
            return true
        }

        mutating func leave(_ address: String) {
            guard let count = byAddress[address] else { return }
            byAddress[address] = count > 1 ? count - 1 : nil
        }

        /// Those who wait for the end, if this is it.
        mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
            guard entries.isEmpty, running == 0 else { return [] }
            defer { waiters = [:] }
            return Array(waiters.values)
        }
    }

    private struct Entry {
        var address: String
        let control: SSHControl
        var key: Int64?
    }

    private let settings: SSHSettings
    private let state = Mutex(State())

    init(settings: SSHSettings) {
        self.settings = settings
    }

    /// How many there are: connections, and commands that are being answered.
    var usage: (connections: Int, commands: Int) { state.withLock { ($0.entries.count, $0.running) } }

    /// Whether another connection may be looked at, by the number of all of them.
    func mayAccept() -> Refusal? {
        state.withLock { state in
            if state.isStopping { return .stopping }
            if state.entries.count >= settings.connectionsMax { return .connections }
            return state.unauthenticated >= settings.unauthenticatedMax ? .unauthenticated : nil
        }
    }

    /// Adds a connection, which is not logged in yet.
    /// - Returns: Its number, or why it is not served.
    func add(_ control: SSHControl, address: String) -> Result<UInt64, RefusalError> {
        state.withLock { state in
            if state.isStopping { return .failure(RefusalError(refusal: .stopping)) }
            guard state.enter(address, limit: settings.connectionsPerAddressMax) else {
                return .failure(RefusalError(refusal: .address))
            }
            state.unauthenticated += 1
            state.lastID += 1
            state.entries[state.lastID] = Entry(address: address, control: control)
            return .success(state.lastID)
        }
    }

    /// The connection's client turns out to be at another address, as a proxy tells.
    /// - Returns: Why it is not served; nil when it is.
    func rename(_ id: UInt64, address: String) -> Refusal? {
        state.withLock { state in
            guard state.entries[id] != nil else { return .stopping }
            guard state.enter(address, limit: settings.connectionsPerAddressMax) else { return .address }
            state.entries[id]?.address = address
            return nil
        }
    }

    /// A ``Refusal`` as an error.
    struct RefusalError: Error {
        let refusal: Refusal
    }

    /// The connection has logged in with this key.
    func authenticated(_ id: UInt64, key: Int64) {
        state.withLock { state in
            guard state.entries[id]?.key == nil else { return }
            state.entries[id]?.key = key
            state.unauthenticated -= 1
        }
    }

    /// The connection is over.
    func remove(_ id: UInt64) {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard let entry = state.entries.removeValue(forKey: id) else { return [] }
            if entry.key == nil { state.unauthenticated -= 1 }
            state.leave(entry.address)
            return state.takeWaiters()
        }
        for waiter in waiters { waiter.resume() }
    }

    /// A command begins to be answered.
    func beginCommand() { state.withLock { $0.running += 1 } }

    /// A command has been answered.
    func endCommand() {
        let waiters = state.withLock { state in
            state.running -= 1
            return state.takeWaiters()
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The keys that somebody is logged in with now.
    var keys: Set<Int64> { Set(state.withLock { $0.entries.values.compactMap(\.key) }) }

    /// Ends the connections that were made with these keys, at once.
    func end(keys: Set<Int64>) {
        let controls = state.withLock { state in
            state.entries.values.filter { $0.key.map(keys.contains) ?? false }.map(\.control)
        }
        for control in controls { control.end(.revoked) }
    }

    /// Takes no more connections, and ends those that have nothing to do, now or later.
    func beginStop() {
        let controls = state.withLock { state in
            state.isStopping = true
            return state.entries.values.map(\.control)
        }
        for control in controls { control.end(.stopping) }
    }

    /// Ends all connections at once.
    func endAll() {
        for control in state.withLock({ $0.entries.values.map(\.control) }) { control.end(.cut) }
    }

    /// Returns when no connection is left and no command is being answered, or when the task is cancelled.
    func waitForNone() async {
        let number = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard !Task.isCancelled, !state.entries.isEmpty || state.running > 0 else { return true }
                    state.waiters[number] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
        }
    }
}
