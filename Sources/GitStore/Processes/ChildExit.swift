import Glibc
import Synchronization

/// The end of one child process: who waits for it, and the only place that sends it signals.
final class ChildExit: Sendable {
    private enum State {
        case running(waiters: [CheckedContinuation<ExitStatus, Never>], callbacks: [@Sendable () -> Void])
        case ended(ExitStatus)
    }

    /// The process, which leads the session and group of the same id.
    let process: pid_t
    private let state = Mutex<State>(.running(waiters: [], callbacks: []))

    /// Makes the record of a child just started.
    init(process: pid_t) {
        self.process = process
    }

    /// How it ended; nil while it runs.
    var status: ExitStatus? {
        state.withLock { if case .ended(let status) = $0 { status } else { nil } }
    }

    /// Suspends until the process has ended; also when the task is cancelled, since a child always ends or is
    /// ended.
    func wait() async -> ExitStatus {
        await withCheckedContinuation { continuation in
            let ended: ExitStatus? = state.withLock { state in
                switch state {
                case .ended(let status): return status
                case .running(let waiters, let callbacks):
                    state = .running(waiters: waiters + [continuation], callbacks: callbacks)
                    return nil
                }
            }
            if let ended { continuation.resume(returning: ended) }
        }
    }

    /// Calls the closure once the process has ended, on the reaper's thread or, if it has, at once.
    func whenEnded(_ callback: @escaping @Sendable () -> Void) {
        let ended = state.withLock { state in
            guard case .running(let waiters, let callbacks) = state else { return true }
            state = .running(waiters: waiters, callbacks: callbacks + [callback])
            return false
        }
        if ended { callback() }
    }

    /// Sends a signal to the whole group. Nothing happens once the process has been reaped: its number may be
    /// another's.
    func signalGroup(_ signal: CInt) {
        state.withLock { state in
            guard case .running = state else { return }
            kill(-process, signal)
        }
    }

    /// Takes the exit status of a process that has ended, and ends what it left running in its group.
    func reap() {
        let ended = state.withLock { state in
            guard case .running(let waiters, let callbacks) = state else {
                return (
                    ExitStatus.exited(0), [CheckedContinuation<ExitStatus, Never>](), [@Sendable () -> Void]()
                )
            }
            // Until it is waited for, the dead leader keeps the group's number from being given to anybody
            // else.
            kill(-process, SIGKILL)
            var raw: CInt = 0
            while waitpid(process, &raw, 0) < 0 && errno == EINTR {}
            let status = raw & 0x7F == 0 ? ExitStatus.exited(raw >> 8 & 0xFF) : .signalled(raw & 0x7F)
            state = .ended(status)
            return (status, waiters, callbacks)
        }
        for callback in ended.2 { callback() }
        for waiter in ended.1 { waiter.resume(returning: ended.0) }
    }
}
