import Glibc
import Synchronization

/// A thread beside the concurrency pool, for what must go on when all threads of the pool are busy: leases.
///
/// Tasks that prefer it as their executor run there between their waits, and must not block.
final class ClusterThread: TaskExecutor {
    /// The one of this process; it starts with the first use and then stays.
    static let shared = ClusterThread()

    private struct Sleeper {
        let due: Duration
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var jobs: [UnownedJob] = []
        var sleepers: [Int: Sleeper] = [:]
        /// No sleeper is due before this.
        var nextDue: Duration?
        var lastNumber = 0

        mutating func takeDue(at now: Duration) -> [Sleeper] {
            guard let nextDue, nextDue <= now else { return [] }
            let due = sleepers.filter { $0.value.due <= now }
            for number in due.keys { sleepers[number] = nil }
            self.nextDue = sleepers.values.map(\.due).min()
            return Array(due.values)
        }
    }

    private let state = Mutex(State())
    /// A pipe: what is written to the second end wakes the thread, which waits at the first.
    private let bell: (hear: CInt, ring: CInt)

    private init() {
        var ends: [CInt] = [-1, -1]
        let made = pipe(&ends)
        precondition(made == 0, "descriptors for the cluster's thread")
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        bell = (ends[0], ends[1])
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(self).toOpaque()
        let started = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<ClusterThread>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument)
        precondition(started == 0, "a thread for the cluster")
        pthread_detach(thread)
    }

    /// Runs a part of a task.
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
        ring()
    }

    /// Starts a task here.
    func task(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        Task(executorPreference: self) { await body() }
    }

    /// Waits that long, or until the task is cancelled.
    func sleep(for duration: Duration) async {
        let due = BootClock.system.now + min(duration, .seconds(1_000_000_000))
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                state.withLock { state in
                    let due = Task.isCancelled ? .zero : due
                    state.sleepers[number] = Sleeper(due: due, continuation: continuation)
                    state.nextDue = min(state.nextDue ?? due, due)
                }
                ring()
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: number) }?.continuation.resume()
        }
    }

    private func ring() {
        // A full pipe wakes the thread as well.
        var byte: UInt8 = 1
        _ = write(bell.ring, &byte, 1)
    }

    private func run() {
        let executor = asUnownedTaskExecutor()
        while true {
            let now = BootClock.system.now
            let (jobs, due, next) = state.withLock { state in
                defer { state.jobs.removeAll(keepingCapacity: true) }
                return (state.jobs, state.takeDue(at: now), state.nextDue)
            }
            for sleeper in due { sleeper.continuation.resume() }
            for job in jobs { job.runSynchronously(on: executor) }
            if jobs.isEmpty, due.isEmpty { wait(until: next, now: now) }
        }
    }

    /// Waits for the bell; never long, as the system's own wait stands still while the machine is suspended.
    private func wait(until next: Duration?, now: Duration) {
        let rest = next.map { max(.zero, $0 - now) } ?? .seconds(60)
        let milliseconds = min(rest, .milliseconds(500)) / .milliseconds(1)
        var descriptor = pollfd(fd: bell.hear, events: Int16(POLLIN), revents: 0)
        poll(&descriptor, 1, CInt(milliseconds.rounded(.up)))
        var bytes = [UInt8](repeating: 0, count: 256)
        while read(bell.hear, &bytes, bytes.count) == bytes.count {}
    }
}
