import Glibc

/// What one thread in the background sees of the processors between two rests.
///
/// Not Sendable: made and used on that thread. Where the system tells nothing it sees nothing.
final class Lookout {
    private let own = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)
    private let all = open("/proc/loadavg", O_RDONLY | O_CLOEXEC)
    private var since: ContinuousClock.Instant?
    private var waitedBefore: Int64 = 0
    private var readyBefore = 0

    deinit {
        if own >= 0 { close(own) }
        if all >= 0 { close(all) }
    }

    /// Whether a visit has begun and not ended.
    var isUnderWay: Bool { since != nil }

    /// Begins a visit, unless one is under way.
    func begin(now: ContinuousClock.Instant = .now) {
        guard since == nil else { return }
        since = now
        (waitedBefore, readyBefore) = (waited, ready)
    }

    /// Ends the visit if it was long enough to tell.
    func end(now: ContinuousClock.Instant = .now) -> Courtesy.Visit? {
        guard let since, since.duration(to: now) >= Courtesy.visitMin else { return nil }
        self.since = nil
        return Courtesy.Visit(
            took: since.duration(to: now), waited: .nanoseconds(max(0, waited - waitedBefore)),
            ready: max(readyBefore, ready))
    }

    /// Nanoseconds that this thread was ready and did not run: the second number in "/proc/<pid>/schedstat"
    /// of the kernel's "Scheduler Statistics".
    private var waited: Int64 { Self.number(1, of: own) }

    /// Threads of the machine that run or are ready to: the first part of the fourth number in
    /// "proc_loadavg(5)".
    private var ready: Int { Int(clamping: Self.number(3, of: all)) }

    /// The leading digits of a word of a short file; 0 when there is none.
    private static func number(_ word: Int, of file: CInt) -> Int64 {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 96) { buffer in
            let count = pread(file, buffer.baseAddress, buffer.count, 0)
            guard count > 0 else { return 0 }
            let words = buffer[..<count].split(separator: UInt8(ascii: " "))
            guard words.indices.contains(word) else { return 0 }
            let digits = words[word].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            return digits.reduce(into: Int64(0)) { $0 = $0 &* 10 &+ Int64($1 &- UInt8(ascii: "0")) }
        }
    }
}
