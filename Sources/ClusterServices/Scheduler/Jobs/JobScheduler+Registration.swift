import Logging
import Portable
import SharedDatabase
import Synchronization

extension JobScheduler {
    /// Registers a job, or takes what is another about one that is there. An equal schedule keeps its next
    /// run; a different one replaces it, and gives no run besides.
    /// - Throws: ``JobError``, `DatabaseError`.
    @discardableResult
    package func schedule(_ definition: JobDefinition) async throws -> JobRegistrationOutcome {
        try await register(Wish(definition: definition)).outcome
    }

    /// Registers a job, unless it is there in the version that is known already.
    /// - Returns: What has changed, and in which version of the row the job is as it is wanted.
    private func register(
        _ wish: Wish
    ) async throws -> (outcome: JobRegistrationOutcome, version: Int64) {
        let definition = wish.definition
        try definition.check()
        let data = try definition.encodedData()
        let key = JobKey(
            namespace: definition.namespace, name: definition.name,
            slot: definition.mode == .everyNode ? nodeID : "")
        let (clock, jobsMax) = (clock, settings.namespaceJobsMax)
        return try await database.write { transaction in
            let table = JobTable(transaction)
            if let known = wish.version, try table.version(of: key) ?? .min >= known {
                return (.unchanged, known)
            }
            try Self.removeOthers(of: key, table)
            var row: JobRow
            if let known = try table.row(key) {
                row = known
            } else {
                guard try table.count(namespace: key.namespace) < jobsMax else {
                    throw JobError.tooManyJobs(limit: jobsMax)
                }
                _ = try table.insert(JobRow(key, runner: definition.runner))
                guard let made = try table.row(key) else {
                    throw DatabaseError.statement(message: "no row came back", sql: nil)
                }
                row = made
            }
            let before = row
            // Read once the row is locked, so that it is not before the last run.
            let now = try clock.now(transaction)
            let outcome = row.take(definition, data: data, now: now)
            if !key.slot.isEmpty { try table.forgetGoneNodes(key, now: now) }
            if outcome == .created, row.nextRun == nil {
                throw JobError.neverRuns(schedule: definition.schedule.description)
            }
            guard row != before else { return (outcome, row.version) }
            try table.save(&row)
            try transaction.notify(JobTable.channel, "")
            return (outcome, row.version)
        }
    }

    /// A job is once per cluster, or every node's: the other rows go.
    private static func removeOthers(of key: JobKey, _ table: JobTable) throws {
        for other in try table.keys(namespace: key.namespace, name: key.name)
        where other.slot.isEmpty != key.slot.isEmpty {
            guard var row = try table.row(other) else { continue }
            row.unschedule()
            try table.save(&row)
        }
    }

    /// Registers a job as soon as the database can be asked; tried again until it is done.
    /// - Throws: ``JobError``.
    package func want(_ definition: JobDefinition) throws {
        try definition.check()
        state.withLock { state in
            let wish = Wish(definition: definition)
            state.wanted.append(wish)
            state.registered.removeAll { $0.isOf(definition.namespace, definition.name) }
            state.registered.append(wish)
        }
        wakeUp.ring()
    }

    func registerWanted() async throws {
        while let wish = state.withLock({ $0.wanted.first }) {
            let definition = wish.definition
            do {
                let (outcome, version) = try await register(wish)
                state.withLock { state in
                    let place = state.registered.firstIndex { $0.definition == definition }
                    if let place { state.registered[place].version = version }
                }
                if outcome != .unchanged {
                    logger.info(
                        "job scheduled",
                        metadata: [
                            "job.namespace": "\(definition.namespace)", "job.name": "\(definition.name)",
                            "schedule": "\(definition.schedule)", "outcome": "\(outcome)",
                        ])
                }
            } catch let error as JobError {
                logger.error(
                    "a job is not scheduled",
                    metadata: [
                        "job.namespace": "\(definition.namespace)", "job.name": "\(definition.name)",
                        "error": "\(error)",
                    ])
            }
            state.withLock { if $0.wanted.first == wish { $0.wanted.removeFirst() } }
        }
    }

    /// Has a job run as soon as it does not, beside its schedule; on every node where it is every node's.
    /// Several of these that wait are one.
    /// - Throws: ``JobError/noSuchJob(name:)``, `DatabaseError`.
    package func runNow(namespace: String, name: String) async throws {
        let clock = clock
        try await change(namespace, name) { row, transaction in
            if row.pending == nil {
                row.pending = JobRow.Pending(fireTime: try clock.now(transaction), reason: .manual)
            }
        }
    }

    /// Ends a job's schedule in the whole cluster. A run that is under way goes on.
    /// - Throws: ``JobError/noSuchJob(name:)``, `DatabaseError`.
    package func unschedule(namespace: String, name: String) async throws {
        state.withLock { state in
            state.wanted.removeAll { $0.isOf(namespace, name) }
            state.registered.removeAll { $0.isOf(namespace, name) }
        }
        try await change(namespace, name) { row, _ in row.unschedule() }
    }

    private func change(
        _ namespace: String, _ name: String,
        _ body: @escaping @Sendable (inout JobRow, DatabaseTransaction) throws -> Void
    ) async throws {
        try await database.write { transaction in
            let table = JobTable(transaction)
            let keys = try table.keys(namespace: namespace, name: name)
            guard !keys.isEmpty else { throw JobError.noSuchJob(name: name) }
            for key in keys {
                guard var row = try table.row(key), row.scheduleText != nil else { continue }
                let before = row
                try body(&row, transaction)
                if row != before { try table.save(&row) }
            }
            try transaction.notify(JobTable.channel, "")
        }
    }

    /// The jobs with their last runs, ordered by namespace, name and node.
    /// - Parameters:
    ///   - namespace: `nil` for all.
    ///   - name: `nil` for all of the namespace.
    ///   - start: So many are left out.
    ///   - limit: At most 1,000.
    /// - Throws: `DatabaseError`.
    package func fetchJobs(
        namespace: String? = nil, name: String? = nil, start: Int = 0, limit: Int = 100
    ) async throws -> [JobStatus] {
        try await database.read { transaction in
            try JobTable(transaction).statuses(
                namespace: namespace, name: name, start: max(start, 0), limit: min(max(limit, 0), 1_000))
        }
    }
}

extension JobScheduler.Wish {
    fileprivate func isOf(_ namespace: String, _ name: String) -> Bool {
        (definition.namespace, definition.name) == (namespace, name)
    }
}

extension JobRow {
    /// A job that is not scheduled and never ran.
    init(_ key: JobKey, runner: String) {
        self.init(
            key: key, runner: runner, scheduleText: nil, jitter: 0, overlap: .skip, misfire: .once,
            recovers: false, data: [0xc0], version: 1, nextRun: nil, pending: nil, lastFire: nil, skipped: 0,
            token: 0, owner: nil, runningFire: nil, attempt: 0)
    }
}
