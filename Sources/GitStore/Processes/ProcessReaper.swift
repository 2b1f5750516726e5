import CGit2
import Glibc
import Synchronization

/// One thread that waits for every child process of this program's stores, and leaves no zombie.
///
/// Each child is watched through a descriptor of its own, so children that other code started are left alone.
final class ProcessReaper: Sendable {
    /// The reaper of this program; its thread starts with the first use and then stays.
    static let shared = ProcessReaper()

    private let watched = Mutex<[CInt: ChildExit]>([:])
    private let poller: CInt

    private init() {
        poller = epoll_create1(CInt(EPOLL_CLOEXEC))
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(self).toOpaque()
        let started = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let reaper = Unmanaged<ProcessReaper>.fromOpaque(argument).takeRetainedValue()
                reaper.run()
                return nil
            }, argument)
        if started == 0 {
            pthread_detach(thread)
        } else {
            Unmanaged<ProcessReaper>.fromOpaque(argument).release()
        }
    }

    /// Watches a child until it ends.
    /// - Throws: ``GitStoreError/system(operation:path:errno:)`` when no descriptor is left; the child is
    ///   then not watched.
    func watch(_ exit: ChildExit) throws {
        let descriptor = cgit2_pidfd_open(exit.process)
        guard descriptor >= 0 else { throw SystemCall.failure("watch", "process \(exit.process)") }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        watched.withLock { $0[descriptor] = exit }
        var event = epoll_event()
        event.events = EPOLLIN.rawValue
        event.data.fd = descriptor
        guard epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
            let failure = SystemCall.failure("watch", "process \(exit.process)")
            watched.withLock { $0[descriptor] = nil }
            close(descriptor)
            throw failure
        }
    }

    private func run() {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while true {
            let count = epoll_wait(poller, &events, CInt(events.count), -1)
            guard count >= 0 else {
                if errno == EINTR { continue }
                return
            }
            for event in events.prefix(Int(count)) {
                let descriptor = event.data.fd
                let exit = watched.withLock { $0.removeValue(forKey: descriptor) }
                _ = epoll_ctl(poller, EPOLL_CTL_DEL, descriptor, nil)
                close(descriptor)
                exit?.reap()
            }
        }
    }
}
