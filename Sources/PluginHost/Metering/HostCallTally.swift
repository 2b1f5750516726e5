import Synchronization

/// How often one host function was called by one plugin, by outcome, and how long its calls waited.
final class HostCallTally: Sendable {
    /// Outcomes beside the codes of ``HostFailure``.
    enum Outcome {
        static let ok = "ok"
        static let misuse = "misuse"
        static let denied = "denied"
        static let cancelled = "cancelled"
    }

    /// Calls that went well; apart from the others, so that a fast call pays for one addition alone.
    private let succeeded = Atomic<Int64>(0)
    private let waited = Atomic<Int64>(0)
    private let others = Mutex<[String: Int64]>([:])

    @inline(__always)
    func succeed() { succeeded.wrappingAdd(1, ordering: .relaxed) }

    func count(_ outcome: String) {
        if outcome == Outcome.ok { return succeed() }
        others.withLock { $0[outcome, default: 0] += 1 }
    }

    func wait(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        waited.wrappingAdd(seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000, ordering: .relaxed)
    }

    /// Calls by outcome; those that did not happen are absent.
    var counts: [String: Int64] {
        var counts = others.withLock { $0 }
        let good = succeeded.load(ordering: .relaxed)
        if good > 0 { counts[Outcome.ok] = good }
        return counts
    }

    var waitedNanoseconds: Int64 { waited.load(ordering: .relaxed) }
}
