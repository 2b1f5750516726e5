import Glibc

/// Waiting for descriptors.
enum SystemPoll {
    /// Waits until the descriptor is ready or hung up.
    /// - Returns: Whether it is before the deadline.
    static func wait(for descriptor: Int32, _ events: Int16, until deadline: ContinuousClock.Instant) -> Bool
    {
        wait(for: [(descriptor, events)], until: deadline)[0]
    }

    /// Waits until one of the descriptors is ready or hung up.
    /// - Returns: Which are; none when the deadline has passed.
    static func wait(
        for descriptors: [(descriptor: Int32, events: Int16)], until deadline: ContinuousClock.Instant
    ) -> [Bool] {
        var polled = descriptors.map { pollfd(fd: $0.descriptor, events: $0.events, revents: 0) }
        while true {
            let left = deadline - ContinuousClock.now
            let milliseconds = left > .zero ? Int32(clamping: left.milliseconds) : 0
            let count = poll(&polled, nfds_t(polled.count), milliseconds)
            if count < 0, errno == EINTR { continue }
            if count != 0 { return polled.map { $0.revents != 0 } }
            if ContinuousClock.now >= deadline { return polled.map { _ in false } }
        }
    }
}

/// Lets a thread that polls be woken by others.
final class WakeSign: Sendable {
    /// What is readable from ``raise()`` until ``lower()``.
    let descriptor: Int32
    private let raising: Int32

    init() throws(DatabaseError) {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw .unavailable(reason: "socketpair: \(String(cString: strerror(errno)))")
        }
        descriptor = ends[0]
        raising = ends[1]
    }

    deinit {
        close(descriptor)
        close(raising)
    }

    /// A full socket has been raised already.
    func raise() {
        var byte: UInt8 = 1
        _ = send(raising, &byte, 1, Int32(MSG_NOSIGNAL))
    }

    func lower() {
        var bytes = [UInt8](repeating: 0, count: 256)
        while recv(descriptor, &bytes, bytes.count, 0) > 0 {}
    }
}

/// A thread of our own, for what waits.
enum SystemThread {
    private static let stackBytes = 1 << 20

    /// Runs the body on a new thread.
    /// - Returns: Whether the system had one to give.
    static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackBytes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let box = Unmanaged.passRetained(Body(run: body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                body.run()
                return nil
            }, box.toOpaque())
        if code != 0 { box.release() }
        return code == 0
    }

    /// Lets this thread wait.
    static func pause(_ time: Duration) {
        guard time > .zero else { return }
        usleep(UInt32(clamping: time.milliseconds.multipliedReportingOverflow(by: 1000).partialValue))
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }
}

/// Pauses that grow with each failure, and differ between those who fail at the same time.
struct Backoff: Sendable {
    let first: Duration
    let longest: Duration
    private var failures = 0

    init(first: Duration, longest: Duration) {
        self.first = first
        self.longest = longest
    }

    /// How long to wait after one more failure: between half and all of what this number of failures calls
    /// for.
    mutating func next() -> Duration {
        let pause = min(longest, first * (1 << min(failures, 16)))
        failures += 1
        return pause * Double.random(in: 0.5...1)
    }

    mutating func reset() { failures = 0 }
}
