import Logging
import Portable
import SharedDatabase
import Synchronization

extension JobScheduler {
    /// Registers, looks through the jobs, takes what is due, and sleeps until the next is, until it is
    /// stopped.
    func loop() async {
        var failures = 0
        while !Task.isCancelled, isRunning {
            do {
                try await registerWanted()
                if isPlanDue { try await plan() }
                let due = self.due()
                if !due.isEmpty { try await claim(due) }
                failures = 0
            } catch {
                failures += 1
                note(error, failures)
            }
            await wakeUp.sleep(for: failures == 0 ? pause() : .milliseconds(100 << min(failures, 5)))
        }
    }

    private var isRunning: Bool {
        state.withLock { if case .running = $0.phase { true } else { false } }
    }

    private func note(_ error: any Error, _ failures: Int) {
        // A node that is no member says so itself.
        guard failures == 1 || failures % 20 == 0, !(error is ClusterError) else { return }
        logger.warning("jobs cannot be looked through; trying again", metadata: ["error": "\(error)"])
    }

    /// Has the jobs looked through soon.
    func lookAgain() {
        state.withLock { $0.isPlanDue = true }
        wakeUp.ring()
    }

    /// A node that has joined, or learns that another one died, looks at once.
    func followMembership() async {
        for await change in membership.changes() {
            switch change {
            case .joined, .removed: lookAgain()
            case .lost(let incarnation): tellStop(of: incarnation)
            case .historyChanged:
                // Made again where the database has lost it.
                state.withLock { $0.wanted += $0.registered }
                lookAgain()
            case .added: break
            }
        }
    }

    func followSignals() async {
        while !Task.isCancelled {
            if let signals = try? await database.signals(of: [JobTable.channel]) {
                for await signal in signals where signal != .interrupted { lookAgain() }
            }
            // The database was closed; the loop polls, should it come back.
            try? await Task.sleep(for: settings.pollInterval)
        }
    }

    private var isPlanDue: Bool {
        state.withLock { $0.isPlanDue || $0.planned + interval($0) <= .now }
    }

    private func interval(_ state: State) -> Duration {
        let isWatching = state.plans.values.contains { plan in
            plan.recovers && plan.owner != nil && state.running[plan.key] == nil
        }
        return isWatching ? settings.watchInterval : settings.pollInterval
    }

    /// Reads what there is to do, and ends runs whose nodes have ended.
    private func plan() async throws {
        state.withLock { $0.isPlanDue = false }
        do {
            let (incarnation, slot, clock) = (try membership.incarnation(), nodeID, clock)
            let (plans, abandoned, now) = try await database.read { transaction in
                let table = JobTable(transaction)
                return (try table.plan(slot: slot), try table.abandoned(), try clock.now(transaction))
            }
            let orphans = state.withLock { state in
                state.plans = Dictionary(uniqueKeysWithValues: plans.map { ($0.key, $0) })
                state.putOff = [:]
                (state.planned, state.databaseTime) = (.now, (now, .now))
                return plans.filter {
                    $0.owner == incarnation && state.running[$0.key]?.job.run.token != $0.token
                }
            }
            for key in abandoned { try await lose(key) { $0 != incarnation } }
            // Taken by this node in a transaction whose answer was lost, so that it never began.
            for plan in orphans {
                try await lose(plan.key, version: plan.version) { $0 == incarnation }
            }
        } catch {
            state.withLock { $0.isPlanDue = true }
            throw error
        }
    }

    /// Notes that the run of an owner is lost.
    /// - Parameter version: That the row must have; `nil` for any whose owner is no member.
    private func lose(
        _ key: JobKey, version: Int64? = nil, where isLost: @escaping @Sendable (NodeIncarnation) -> Bool
    ) async throws {
        let clock = clock
        let row: JobRow? = try await database.write { transaction in
            let table = JobTable(transaction)
            guard var row = try table.row(key, waits: false), let owner = row.owner, isLost(owner) else {
                return nil
            }
            if let version {
                guard row.version == version else { return nil }
            } else if try table.isMember(owner) {
                return nil
            }
            let now = try clock.now(transaction)
            try table.end(key, token: row.token, now: now, .lost, "its node was gone")
            row.end(isWhole: false)
            try table.save(&row)
            try transaction.notify(JobTable.channel, "")
            return row
        }
        guard let row else { return }
        state.withLock { $0.plans[key] = JobPlan(row) }
        logger.warning(
            "a job's run is lost",
            metadata: [
                "job.namespace": "\(key.namespace)", "job.name": "\(key.name)", "job.token": "\(row.token)",
            ])
    }

    /// Rows that are due as far as this node knows and whose runners it has, in the order of their keys.
    private func due() -> [JobKey] {
        state.withLock { state in
            let room = settings.runsMax - state.running.count
            guard case .running = state.phase, room > 0, let now = state.now else { return [] }
            var rooms: [String: Int] = [:]
            let candidates = state.plans.values.filter { plan in
                plan.due.map { $0 <= now } ?? false && state.canLook(at: plan)
            }.sorted { ($0.due ?? 0, $0.key) < ($1.due ?? 0, $1.key) }
            let taken = candidates.prefix(room).filter { plan in
                let namespace = plan.key.namespace
                let left =
                    rooms[namespace]
                    ?? settings.namespaceRunsMax
                    - state.running.keys.count { $0.namespace == namespace }
                rooms[namespace] = left - 1
                return left > 0 || plan.owner != nil
            }
            return taken.map(\.key).sorted()
        }
    }

    /// How long there is nothing to do.
    private func pause() -> Duration {
        state.withLock { state in
            if state.isPlanDue { return .zero }
            let now = ContinuousClock.now
            var end = state.planned + interval(state)
            guard let time = state.now, state.running.count < settings.runsMax else {
                return max(.zero, now.duration(to: end))
            }
            for plan in state.plans.values where state.canTake(plan) {
                guard let due = plan.due else { continue }
                let at = state.putOff[plan.key] ?? now + .milliseconds(max(0, due - time))
                end = min(end, at)
            }
            return max(.milliseconds(1), now.duration(to: end))
        }
    }
}

extension JobScheduler.State {
    /// The database's time, as far as it can be known without asking.
    var now: Int64? {
        guard let databaseTime else { return nil }
        return databaseTime.milliseconds + Int64(databaseTime.at.duration(to: .now) / .milliseconds(1))
    }

    /// Whether this node has the code, and is not still at work on a run that was taken from it.
    fileprivate func canTake(_ plan: JobPlan) -> Bool {
        runners[plan.key.namespace]?[plan.runner]?.isEmpty == false
            && (plan.owner != nil || running[plan.key] == nil)
    }

    fileprivate func canLook(at plan: JobPlan) -> Bool {
        canTake(plan) && putOff[plan.key].map { $0 <= .now } ?? true
    }
}

extension JobPlan {
    /// What to remember of a row.
    init(_ row: JobRow) {
        self.init(
            key: row.key, runner: row.runner, due: row.due, owner: row.owner, token: row.token,
            recovers: row.recovers, version: row.version)
    }
}
