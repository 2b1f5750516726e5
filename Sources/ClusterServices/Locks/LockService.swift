package import Logging
package import SharedDatabase
internal import Synchronization

/// Locks that one run on one node of the cluster holds at a time, and loses when its node dies.
///
/// A lock is a row that names the incarnation of its holder's node; there is no lease of its own to renew.
/// Each grant is one durable commit and has a fencing token: the database's timeline in the upper 23 bits and
/// a count in the lower 40, so that no crash, failover or restore brings a token that was there before.
/// Giving back needs no sync. On one node the lock goes from run to run in memory, a commit each; when runs
/// on other nodes wait, they have rows, and the lock goes to the first of them by a notification.
package final class LockService: Sendable {
    struct State {
        var locks: [LockName: LocalLock] = [:]
        var lastWaiter: Int64 = 0
        var isRunning = false
        var tasks: [Task<Void, Never>] = []
    }

    let membership: Membership
    let logger: Logger
    let state = Mutex(State())
    let database: SharedDatabase

    /// From one look at the rows to the next, should a notification have been lost.
    static let backstopInterval: Duration = .seconds(5)
    private static let labelBytesMax = 200

    /// Serves from ``start()`` on.
    /// - Parameters:
    ///   - membership: This node's; what is held hangs on it.
    ///   - database: The same as the membership's, by other connections; those unless told.
    package init(
        membership: Membership, database: SharedDatabase? = nil,
        logger: Logger = Logger(label: "perigee.locks")
    ) {
        self.membership = membership
        self.database = database ?? membership.database
        self.logger = logger
        membership.checkHistory { [weak self] _ in await self?.compareAll() }
    }

    /// The locks of a plugin.
    /// - Parameter namespace: The plugin's id.
    /// - Throws: ``LockError/reservedNamespace(_:)``, ``LockError/invalidName(_:)``.
    package func locks(namespace: String) throws(LockError) -> NamespacedLocks {
        guard namespace != LockName.hostNamespace else { throw .reservedNamespace(namespace) }
        try LockName.check(namespace)
        return NamespacedLocks(namespace: namespace, service: self)
    }

    /// The program's own locks, out of every plugin's reach.
    package var host: NamespacedLocks { NamespacedLocks(namespace: LockName.hostNamespace, service: self) }

    /// Whether that is the incarnation that this node is certain of.
    func isCurrent(_ incarnation: NodeIncarnation) -> Bool {
        (try? membership.incarnation()) == incarnation
    }

    /// Takes a lock or waits for it.
    /// - Returns: `nil` when it is taken or was not free in time.
    func acquire(
        _ name: LockName, run: LockRun, label: String?, isTry: Bool, wait: Duration?
    ) async throws -> LockGuard? {
        try Task.checkCancellation()
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        let limit = wait.map { wait in
            ClusterThread.shared.task { [weak self] in
                await ClusterThread.shared.sleep(for: wait)
                if !Task.isCancelled { self?.giveUp(name, id, with: .success(nil)) }
            }
        }
        defer { limit?.cancel() }
        let label = label.map { String(decoding: $0.utf8.prefix(LockService.labelBytesMax), as: UTF8.self) }
        let hold = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<LockHold?, any Error>) in
                let answer = OneAnswer(continuation)
                let waiter = LocalLock.Waiter(
                    id: id, run: run, label: label, isTry: isTry, answer: { answer.give($0) })
                if let refusal = add(waiter, to: name) { return answer.give(refusal) }
                if Task.isCancelled { giveUp(name, id, with: .failure(CancellationError())) }
                proceed(name)
            }
        } onCancel: {
            giveUp(name, id, with: .failure(CancellationError()))
        }
        return hold.map { LockGuard(hold: $0, service: self) }
    }

    private func add(_ waiter: LocalLock.Waiter, to name: LockName) -> Result<LockHold?, any Error>? {
        state.withLock { state in
            guard state.isRunning else { return .failure(LockError.stopped) }
            var lock = state.locks[name] ?? LocalLock()
            if let holder = lock.holder, holder.releases == nil, holder.hold.run == waiter.run {
                return .failure(LockError.reentry(name))
            }
            if waiter.isTry, lock.isTaken { return .success(nil) }
            guard lock.queue.count < LocalLock.waitersMax else {
                return .failure(LockError.tooManyWaiters(name, limit: LocalLock.waitersMax))
            }
            lock.queue.append(waiter)
            state.locks[name] = lock
            return nil
        }
    }

    /// Somebody does not want to wait any longer. Does nothing when the lock was granted in the same moment.
    private func giveUp(_ name: LockName, _ id: Int64, with result: Result<LockHold?, any Error>) {
        let answer: (@Sendable (Result<LockHold?, any Error>) -> Void)? = state.withLock { state in
            guard var lock = state.locks[name], let index = lock.queue.firstIndex(where: { $0.id == id }),
                !lock.queue[index].isGone
            else { return nil }
            lock.queue[index].isGone = true
            state.locks[name] = lock
            return lock.queue[index].answer
        }
        answer?(result)
        if answer != nil { proceed(name) }
    }

    /// A guard is done with its lock.
    func giveBack(_ hold: LockHold, then done: (@Sendable () -> Void)?) {
        let isKnown = state.withLock { state in
            guard var lock = state.locks[hold.name], lock.holder?.hold === hold else { return false }
            lock.holder?.releases = done.map { [$0] } ?? []
            state.locks[hold.name] = lock
            return true
        }
        guard isKnown else {
            done?()
            return
        }
        proceed(hold.name)
    }
}

/// Answers a continuation once, whoever comes first.
private final class OneAnswer: Sendable {
    private let continuation: Mutex<CheckedContinuation<LockHold?, any Error>?>

    init(_ continuation: CheckedContinuation<LockHold?, any Error>) {
        self.continuation = Mutex(continuation)
    }

    func give(_ result: Result<LockHold?, any Error>) {
        let continuation = continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }
        continuation?.resume(with: result)
    }
}
