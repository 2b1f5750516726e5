/// When a job runs. All times are milliseconds since 1970 by the database's clock.
package enum JobSchedule: Sendable, Hashable {
    /// Again and again, so many milliseconds apart, counted from the first run.
    case interval(Int64, first: FirstRun = .afterInterval)
    /// At the times of a cron expression, on the clocks of a zone.
    case cron(CronExpression, zone: ZoneRules)
    /// Once.
    case once(at: Int64)

    /// When a job with an interval runs first.
    package enum FirstRun: Sendable, Hashable {
        /// One interval after it was registered.
        case afterInterval
        /// So many milliseconds after it was registered; 0 is at once.
        case after(Int64)
        /// At this time; at once where that is over.
        case at(Int64)
    }

    /// The shortest interval, in milliseconds.
    package static let intervalMin: Int64 = 100
    /// The longest interval, in milliseconds: 10,000 days.
    package static let intervalMax: Int64 = 864_000_000_000
    /// The latest time that can be named: the end of the year 9999.
    package static let timeMax: Int64 = 253_402_300_799_999

    /// - Throws: ``JobError/invalidSchedule(problem:)``.
    func check() throws(JobError) {
        switch self {
        case .interval(let interval, let first):
            guard (Self.intervalMin...Self.intervalMax).contains(interval) else {
                throw .invalidSchedule(
                    problem: "an interval of \(interval) ms is not between 100 ms and 10,000 days")
            }
            switch first {
            case .after(let delay) where !(0...Self.intervalMax).contains(delay):
                throw .invalidSchedule(problem: "a delay of \(delay) ms is not between 0 and 10,000 days")
            case .at(let time): try Self.check(time)
            case .after, .afterInterval: break
            }
        case .once(let time): try Self.check(time)
        case .cron: break
        }
    }

    private static func check(_ time: Int64) throws(JobError) {
        guard (0...timeMax).contains(time) else {
            throw .invalidSchedule(problem: "\(time) is no time in milliseconds between 1970 and 9999")
        }
    }

    /// When a job runs that is registered at `now`.
    /// - Parameters:
    ///   - lastFire: The last time for which the job ran under another schedule; a schedule that replaces it
    ///     gives no run besides.
    ///   - jitter: Added to each time.
    /// - Returns: `nil` when there is no such time.
    func firstRun(at now: Int64, lastFire: Int64?, jitter: Int64) -> Int64? {
        switch self {
        case .once(let time):
            // Nodes that say the same moment with a few milliseconds between them mean one run.
            guard let lastFire else { return time }
            return time > lastFire + Self.settling ? time : nil
        case .cron: return next(after: max(now, lastFire ?? now), now: now, jitter: jitter)
        case .interval(let interval, let first):
            switch (first, lastFire) {
            case (.at(let time), let lastFire?):
                return Self.step(from: time + jitter, by: interval, after: max(now, lastFire + interval / 2))
            case (_, let lastFire?):
                return Self.step(from: lastFire + interval, by: interval, after: max(now, lastFire))
            case (.at(let time), nil): return time > now ? time + jitter : now
            case (.after(let delay), nil): return now + delay + jitter
            case (.afterInterval, nil): return now + interval + jitter
            }
        }
    }

    /// When the job runs after the run for `fire`, all missed times left out.
    /// - Returns: `nil` for never again.
    func next(after fire: Int64, now: Int64, jitter: Int64) -> Int64? {
        switch self {
        case .once: return nil
        case .interval(let interval, _):
            return Self.step(from: fire + interval, by: interval, after: max(now, fire))
        case .cron(let expression, let zone):
            return expression.next(after: max(fire, now) - jitter, in: zone).map { $0 + jitter }
        }
    }

    private static let settling: Int64 = 50

    /// The first of `start`, `start + interval`, ... that is after `time`.
    private static func step(from start: Int64, by interval: Int64, after time: Int64) -> Int64 {
        start > time ? start : start + ((time - start) / interval + 1) * interval
    }
}
