/// One job as its row has it, and what may become of it.
struct JobRow: Sendable, Hashable {
    /// A run that is wanted beside the schedule, as soon as the job does not run.
    struct Pending: Sendable, Hashable {
        /// The time that it is for.
        let fireTime: Int64
        let reason: JobRun.Reason
    }

    /// What looking at a row that is due has come to.
    enum Claim: Sendable, Hashable {
        /// A run begins.
        case start(JobRun)
        /// The time was used up without a run, or there is nothing to do yet.
        case pass
    }

    let key: JobKey
    var runner: String
    /// `nil` when it is not scheduled any more.
    var scheduleText: String?
    var jitter: Int64
    var overlap: JobDefinition.Overlap
    var misfire: JobDefinition.Misfire
    var recovers: Bool
    var data: [UInt8]
    /// Grows with each change.
    var version: Int64
    var nextRun: Int64?
    var pending: Pending?
    var lastFire: Int64?
    /// How many times passed while the job still ran.
    var skipped: Int64
    /// Of the last run.
    var token: Int64
    /// Who runs it now.
    var owner: NodeIncarnation?
    var runningFire: Int64?
    /// How often the current or last run was started, for one time.
    var attempt: Int64

    /// A run that is lost so often is not started again: it may be what kills nodes.
    static let attemptsMax: Int64 = 5

    var schedule: JobSchedule? { scheduleText.flatMap(JobSchedule.init(stored:)) }

    /// When somebody has to look at it.
    var due: Int64? {
        guard owner == nil, let pending else { return nextRun }
        return min(pending.fireTime, nextRun ?? .max)
    }

    /// What is added to each of its times: the same on every node and after each start.
    var offset: Int64 {
        guard jitter > 0 else { return 0 }
        // FNV-1a, as the standard library's hashes differ from process to process.
        let hash = "\(key.namespace)\n\(key.name)".utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01b3
        }
        return Int64(hash % UInt64(jitter + 1))
    }

    /// Takes the run that is due, if there is one; the next time is set before it begins.
    /// - Parameters:
    ///   - now: The database's time.
    ///   - missedAfter: So many milliseconds late, a time counts as missed.
    mutating func claim(
        now: Int64, by owner: NodeIncarnation, nodeID: String, timeline: Int64, missedAfter: Int64
    ) -> Claim {
        guard let schedule, let due, due <= now else { return .pass }
        let planned = nextRun.flatMap { $0 <= now ? $0 : nil }
        if let planned { nextRun = schedule.next(after: planned, now: now, jitter: offset) }
        if self.owner != nil {
            passOver(planned)
            return .pass
        }
        let fireTime: Int64
        var reason = JobRun.Reason.schedule
        if let pending {
            (fireTime, reason) = (pending.fireTime, pending.reason)
        } else if let planned, misfire == .once || now - planned <= missedAfter {
            fireTime = planned
        } else {
            lastFire = max(lastFire ?? 0, planned ?? 0)
            return .pass
        }
        attempt = reason == .recovered ? attempt + 1 : 1
        // The database's history is in the upper bits: what a failover has lost is never given again.
        token = max(token, timeline << 40) + 1
        pending = nil
        runningFire = fireTime
        // A run for a time that has passed serves the times up to now.
        lastFire = max(lastFire ?? 0, planned ?? 0, reason == .schedule ? fireTime : 0)
        self.owner = owner
        return .start(
            JobRun(
                token: token, fireTime: fireTime, reason: reason, attempt: Int(attempt), nodeID: nodeID,
                startedAt: now, endedAt: nil, outcome: nil, message: nil))
    }

    private mutating func passOver(_ planned: Int64?) {
        guard let planned else { return }
        lastFire = max(lastFire ?? 0, planned)
        switch overlap {
        case .skip: skipped += 1
        case .queue: if pending == nil { pending = Pending(fireTime: planned, reason: .queued) }
        }
    }

    /// Notes that the run has ended, or that its node has.
    /// - Parameter isWhole: False when it may be started again.
    mutating func end(isWhole: Bool) {
        if !isWhole, recovers, attempt < Self.attemptsMax, scheduleText != nil, let runningFire {
            pending = Pending(fireTime: runningFire, reason: .recovered)
        }
        owner = nil
        runningFire = nil
    }

    /// Takes what was registered last.
    /// - Returns: What has changed.
    mutating func take(_ definition: JobDefinition, data: [UInt8], now: Int64) -> JobRegistrationOutcome {
        let text = definition.schedule.description
        let wasScheduled = scheduleText != nil
        let isEqual = scheduleText == text && jitter == definition.jitter
        let before = self
        runner = definition.runner
        overlap = definition.overlap
        misfire = definition.misfire
        recovers = definition.recovers
        self.data = data
        if isEqual { return self == before ? .unchanged : .adjusted }
        scheduleText = text
        jitter = definition.jitter
        nextRun = definition.schedule.firstRun(at: now, lastFire: lastFire, jitter: offset)
        return wasScheduled ? .replaced : .created
    }

    /// Ends the schedule. A run that is under way goes on.
    mutating func unschedule() {
        scheduleText = nil
        nextRun = nil
        pending = nil
        lastFire = nil
        skipped = 0
    }
}

/// What became of a registration.
package enum JobRegistrationOutcome: Sendable, Hashable {
    /// The job is new.
    case created
    /// It is as it was.
    case unchanged
    /// Its schedule is as it was, and so is its next run; something else is another.
    case adjusted
    /// It has another schedule now.
    case replaced
}
