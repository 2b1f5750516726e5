import ClusterServices
import PluginHost
import Synchronization

/// A lock that a run of a plugin holds.
final class GuardObject: HostObject {
    private let key: RunLocks.Key
    private let taken: Mutex<LockGuard?>
    /// The fencing token.
    let token: Int64

    init(_ taken: LockGuard, key: RunLocks.Key) {
        self.taken = Mutex(taken)
        self.key = key
        token = taken.token
    }

    deinit { _ = take() }

    var isHeld: Bool { taken.withLock { $0?.isHeld } ?? false }

    func release() async { await take()?.release() }

    /// The run is over: the last reference to the guard gives the lock back.
    func ended() { _ = take() }

    private func take() -> LockGuard? {
        let taken = taken.withLock { taken in
            defer { taken = nil }
            return taken
        }
        if taken != nil { RunLocks.shared.leave(key) }
        return taken
    }
}

/// Who acquires a lock, for runs of plugins that hold one or wait for one.
final class RunLocks: Sendable {
    /// One run of one plugin's state.
    struct Key: Hashable {
        private let state: ObjectIdentifier
        private let run: UInt64

        init(_ call: HostCall) {
            state = ObjectIdentifier(call.plugin)
            run = call.run
        }
    }

    static let shared = RunLocks()
    private let runs = Mutex<[Key: (run: LockRun, count: Int)]>([:])

    /// The run's name with the lock service; ``leave(_:)`` follows.
    func enter(_ key: Key) -> LockRun {
        runs.withLock { runs in
            let run = runs[key]?.run ?? LockRun()
            runs[key] = (run, (runs[key]?.count ?? 0) + 1)
            return run
        }
    }

    func leave(_ key: Key) {
        runs.withLock { runs in
            guard let entry = runs[key] else { return }
            runs[key] = entry.count > 1 ? (entry.run, entry.count - 1) : nil
        }
    }
}
