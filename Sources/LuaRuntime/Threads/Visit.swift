import Glibc

/// What one thread in the background saw of the processors since it last rested.
///
/// Not Sendable: made and used on that thread.
final class Visit {
    private let descriptor: CInt
    private var since: ContinuousClock.Instant?
    private var waitedBefore: Int64 = 0

    /// For the calling thread. Where the system does not tell how long threads wait, it sees nothing.
    init() {
        descriptor = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Whether it has begun and not ended.
    var isUnderWay: Bool { since != nil }

    func begin(now: ContinuousClock.Instant) {
        since = now
        waitedBefore = Self.waited(descriptor)
    }

    /// Ends it if it was long enough to tell.
    /// - Returns: How long it took, and how much of that the thread waited for a processor.
    func end(now: ContinuousClock.Instant) -> (took: Duration, waited: Duration)? {
        guard let since, since.duration(to: now) >= Courtesy.visitMin else { return nil }
        self.since = nil
        let waited = max(0, Self.waited(descriptor) - waitedBefore)
        return (since.duration(to: now), .nanoseconds(waited))
    }

    /// Nanoseconds: the second number in "/proc/<pid>/schedstat" of the kernel's "Scheduler Statistics".
    private static func waited(_ descriptor: CInt) -> Int64 {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 96) { buffer in
            let count = pread(descriptor, buffer.baseAddress, buffer.count, 0)
            guard count > 0 else { return 0 }
            var fields = buffer[..<count].split(separator: UInt8(ascii: " ")).dropFirst()
            guard let digits = fields.popFirst() else { return 0 }
            return digits.reduce(into: Int64(0)) { value, digit in
                value = value &* 10 &+ Int64(digit &- UInt8(ascii: "0"))
            }
        }
    }
}
