import Logging
import Metrics
import Portable
import SharedDatabase
import Synchronization

extension JobScheduler {
    /// What a look at a row has come to.
    private enum Look: Sendable {
        /// Somebody else has it locked, or it is gone.
        case absent
        case passed(JobRow)
        case started(JobRow, JobRun)
    }

    /// Takes those that are due, in one transaction, and runs them.
    func claim(_ keys: [JobKey]) async throws {
        let incarnation = try membership.incarnation()
        let (clock, nodeID) = (clock, nodeID)
        let missedAfter = Int64(settings.missedAfter / .milliseconds(1))
        let (looks, now) = try await database.write { transaction in
            let table = JobTable(transaction)
            guard try table.isMember(incarnation) else { throw ClusterError.notMember }
            let (now, timeline) = (try clock.now(transaction), try transaction.timeline())
            var looks: [JobKey: Look] = [:]
            for key in keys {
                guard var row = try table.row(key, waits: false) else {
                    looks[key] = .absent
                    continue
                }
                let before = row
                let claim = row.claim(
                    now: now, by: incarnation, nodeID: nodeID, timeline: timeline, missedAfter: missedAfter)
                if row != before { try table.save(&row) }
                switch claim {
                case .pass: looks[key] = .passed(row)
                case .start(let run):
                    try table.begin(key, run)
                    looks[key] = .started(row, run)
                }
            }
            return (looks, now)
        }
        learn(looks, now: now)
        for case .started(let row, let run) in looks.values { begin(row, run, incarnation) }
    }

    private func learn(_ looks: [JobKey: Look], now: Int64) {
        state.withLock { state in
            state.databaseTime = (now, .now)
            for (key, look) in looks {
                state.putOff[key] = nil
                switch look {
                case .absent:
                    // Most likely another node takes it at this moment; then it says so soon.
                    state.putOff[key] = .now + .milliseconds(200)
                case .passed(let row), .started(let row, _):
                    state.plans[key] = JobPlan(row)
                    if let due = row.due, due <= now { state.putOff[key] = .now + settings.pollInterval }
                }
            }
        }
    }

    private func begin(_ row: JobRow, _ run: JobRun, _ incarnation: NodeIncarnation) {
        let data = (try? MessagePack.decode(row.data, limits: .unlimited)) ?? .null
        let job = RunningJob(row, run, data: data, incarnation: incarnation, membership: membership)
        // The transaction may have taken longer than the lease lasts; then somebody notes that the run is
        // lost.
        guard !job.hasEnded else { return lookAgain() }
        let begun = state.withLock { state -> JobRunnerRegistration? in
            guard case .running = state.phase,
                let registration = state.runners[row.key.namespace]?[row.runner]?.last
            else { return nil }
            state.running[row.key] = Run(job: job, registration: registration)
            return registration
        }
        guard let begun else {
            // Ends with the transaction; nothing waits for it.
            Task { await self.end(job, .cancelled, "its runner ended before it began") }
            return
        }
        let task = Task { await self.run(job, begun.runner) }
        state.withLock { $0.running[row.key]?.task = task }
    }

    private func run(_ job: RunningJob, _ runner: JobRunner) async {
        let outcome: JobRun.Outcome
        var message: String?
        do {
            message = try await runner(job)
            outcome = job.wasCancelled ? .cancelled : .succeeded
        } catch {
            outcome = error is CancellationError || job.wasCancelled ? .cancelled : .failed
            if !(error is CancellationError) { message = "\(error)" }
        }
        Counter(
            label: "perigee.jobs.runs",
            dimensions: [("namespace", job.namespace), ("outcome", outcome.rawValue)]
        ).increment()
        await end(job, outcome, message)
        let idle = state.withLock { state in
            // The job may run here anew already.
            if state.running[job.key]?.job === job { state.running[job.key] = nil }
            guard state.running.isEmpty else { return [] as [CheckedContinuation<Void, Never>] }
            defer { state.idle = [] }
            return state.idle
        }
        for continuation in idle { continuation.resume() }
        wakeUp.ring()
    }

    /// Writes down how a run ended, for as long as it is this node's.
    private func end(_ job: RunningJob, _ outcome: JobRun.Outcome, _ message: String?) async {
        var pause = Duration.milliseconds(50)
        while !job.hasEnded || outcome == .cancelled {
            do {
                return try await writeEnd(job, outcome, message)
            } catch {
                guard !job.hasEnded else { break }
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(2))
            }
        }
        logger.warning(
            "a job's run has ended, but was not this node's any more",
            metadata: [
                "job.namespace": "\(job.namespace)", "job.name": "\(job.name)",
                "job.token": "\(job.run.token)",
            ])
    }

    /// Writes it, unless the run is another's by now: a smaller token or an ended incarnation changes
    /// nothing.
    func writeEnd(_ job: RunningJob, _ outcome: JobRun.Outcome, _ message: String?) async throws {
        let clock = clock
        let row: JobRow? = try await database.write { transaction in
            let table = JobTable(transaction)
            guard try table.isMember(job.incarnation), var row = try table.row(job.key),
                row.owner == job.incarnation, row.token == job.run.token
            else { return nil }
            let now = try clock.now(transaction)
            try table.end(job.key, token: row.token, now: now, outcome, message)
            row.end(isWhole: outcome != .cancelled)
            try table.save(&row)
            if let due = row.due, due <= now { try transaction.notify(JobTable.channel, "") }
            return row
        }
        guard let row else { return }
        state.withLock { state in
            state.plans[job.key] = JobPlan(row)
            state.putOff[job.key] = nil
        }
    }

    /// Tells the runs of an incarnation that has ended to stop, and cancels those that do not.
    func tellStop(of incarnation: NodeIncarnation) {
        let runs = state.withLock { $0.running.values.filter { $0.job.incarnation == incarnation } }
        for run in runs {
            run.job.cancel()
            let grace = settings.cancelGrace
            // Ends with the grace.
            Task {
                try? await Task.sleep(for: grace)
                run.task?.cancel()
            }
        }
    }
}
