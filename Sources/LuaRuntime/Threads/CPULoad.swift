/// Whether a state uses much CPU time: a bucket that its turns fill and that time empties.
struct CPULoad {
    /// What a state may use at once before it counts as heavy: five slices.
    static let burst: Int64 = 50_000_000
    /// Nanoseconds of CPU time forgiven for each nanosecond that passes, as one part of this many: a
    /// fiftieth of a processor.
    static let forgiven: Int64 = 50

    private var debt: Int64 = 0
    private var since: ContinuousClock.Instant?

    /// Adds a turn's CPU time in nanoseconds.
    mutating func add(_ used: Int64, now: ContinuousClock.Instant) {
        debt = min(remaining(now) + max(0, used), 4 * Self.burst)
        since = now
    }

    /// Whether the state is to make way for others.
    func isHigh(now: ContinuousClock.Instant) -> Bool { remaining(now) > Self.burst }

    private func remaining(_ now: ContinuousClock.Instant) -> Int64 {
        guard let since, debt > 0 else { return 0 }
        let (seconds, attoseconds) = since.duration(to: now).components
        if seconds >= 60 { return 0 }
        return max(0, debt - (seconds * 1_000_000_000 + attoseconds / 1_000_000_000) / Self.forgiven)
    }
}
