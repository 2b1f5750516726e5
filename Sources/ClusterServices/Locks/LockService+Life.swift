import SharedDatabase
import Synchronization

extension LockService {
    /// Begins to serve. The membership need not have joined yet.
    /// - Throws: `DatabaseError` when the database is closed.
    package func start() async throws {
        let signals = try await database.signals(of: [LockTable.channel])
        let changes = membership.changes()
        let (removals, bell) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let tasks = [
            // Asks nobody: holders are told of a loss at once, however slow the database is.
            ClusterThread.shared.task { [weak self] in
                for await change in changes { self?.hear(change, removals: bell) }
            },
            ClusterThread.shared.task { [weak self] in
                for await _ in removals { await self?.takeOver() }
            },
            ClusterThread.shared.task { [weak self] in
                for await signal in signals { self?.hear(signal) }
            },
            ClusterThread.shared.task { [weak self] in
                var round = 0
                while !Task.isCancelled {
                    await ClusterThread.shared.sleep(for: .seconds(1))
                    round += 1
                    await self?.keepHouse(round: round)
                }
            },
        ]
        state.withLock { state in
            state.isRunning = true
            state.tasks = tasks
        }
    }

    /// Ends what is held and refuses who waits. The rows go with the node's, when it leaves the cluster.
    package func stop() {
        let (locks, tasks) = state.withLock { state in
            defer { (state.locks, state.tasks, state.isRunning) = ([:], [], false) }
            return (state.locks, state.tasks)
        }
        for task in tasks { task.cancel() }
        for lock in locks.values {
            lock.holder?.hold.lose()
            for release in lock.holder?.releases ?? [] { release() }
            for waiter in lock.queue where !waiter.isGone { waiter.answer(.failure(LockError.stopped)) }
        }
    }

    /// Ends what a plugin holds on this node, and refuses who waits for it.
    package func release(namespace: String) {
        let (holds, waiters) = state.withLock { state in
            var holds: [LockHold] = []
            var waiters: [LocalLock.Waiter] = []
            for (name, var lock) in state.locks where name.namespace == namespace {
                if let holder = lock.holder, holder.releases == nil { holds.append(holder.hold) }
                waiters += lock.queue.filter { !$0.isGone }
                for index in lock.queue.indices { lock.queue[index].isGone = true }
                state.locks[name] = lock
            }
            return (holds, waiters)
        }
        for waiter in waiters { waiter.answer(.failure(LockError.stopped)) }
        for hold in holds {
            hold.lose()
            giveBack(hold, then: nil)
        }
        for name in state.withLock({ $0.locks.keys.filter { $0.namespace == namespace } }) { proceed(name) }
    }

    private func hear(_ change: MembershipChange, removals: AsyncStream<Void>.Continuation) {
        switch change {
        case .lost(let incarnation): loseAll(of: incarnation)
        case .joined: update(where: { _ in true }) { _ in }
        case .removed: removals.yield()
        case .added, .historyChanged: break
        }
    }

    private func hear(_ signal: DatabaseSignal) {
        switch signal {
        case .interrupted: break
        case .resumed: update(where: { $0.holder != nil || $0.hasPlaces }) { $0.mustReconcile = true }
        case .notification(_, let payload):
            guard let signal = LockSignal(payload), signal.incarnation == membership.lastIncarnation else {
                return
            }
            hear(signal)
        }
    }

    private func hear(_ signal: LockSignal) {
        var broken: LockHold?
        let answers = state.withLock { state in
            var lock = state.locks[signal.name] ?? LocalLock()
            switch signal.kind {
            case .waiting: lock.noteContention()
            case .broken:
                guard let holder = lock.holder, holder.hold.token == signal.token else { break }
                broken = holder.hold
                lock.endHold(holder.hold)
            case .granted:
                let table = LockTable(name: signal.name, owner: signal.incarnation, timeline: 0, now: 0)
                let grant = LockTable.Grant(owner: signal.incarnation, row: signal.row, token: signal.token)
                if lock.isWorking {
                    lock.early[signal.row] = signal.token
                } else if lock.holder?.hold.token != signal.token {
                    lock.accept(grant, table)
                    if lock.holder?.hold.token != signal.token { lock.mustReconcile = true }
                }
            }
            defer { state.locks[signal.name] = lock }
            return lock.takeAnswers()
        }
        broken?.lose()
        for answer in answers { answer() }
        proceed(signal.name)
    }

    private func loseAll(of incarnation: NodeIncarnation) {
        let (holds, releases) = state.withLock { state in
            var holds: [LockHold] = []
            var releases: [@Sendable () -> Void] = []
            for (name, var lock) in state.locks
            where lock.holder.map({ $0.hold.incarnation == incarnation }) ?? true {
                let lost = lock.loseAll()
                if let hold = lost.hold { holds.append(hold) }
                releases += lost.releases
                state.locks[name] = lock.isIdle ? nil : lock
            }
            return (holds, releases)
        }
        for hold in holds { hold.lose() }
        for release in releases { release() }
        update(where: { !$0.queue.isEmpty }) { _ in }
    }

    /// Nodes are gone: whoever waits first for what they held takes it over.
    private func takeOver() async {
        guard let local = membership.lastIncarnation,
            state.withLock({ $0.locks.values.contains { $0.hasPlaces } })
        else { return }
        let names = try? await database.read { try LockTable.orphans($0, waiting: local) }
        let wanted = Set(names ?? [])
        update(where: { $0.hasPlaces }, names: wanted) { $0.mustReconcile = true }
    }

    /// Compares everything that is held here with the rows, after the database went on with another history.
    func compareAll() async {
        let holds = state.withLock { $0.locks.values.compactMap { $0.holder?.hold }.filter(\.isOpen) }
        for hold in holds {
            let table = LockTable(name: hold.name, owner: hold.incarnation, timeline: 0, now: 0)
            guard (try? await database.read { try table.isHeld($0, token: hold.token) }) != true else {
                continue
            }
            hold.lose()
            giveBack(hold, then: nil)
        }
        update(where: { $0.holder != nil || $0.hasPlaces }) { $0.mustReconcile = true }
    }

    private func keepHouse(round: Int) async {
        await tellWaiters()
        guard round % 5 == 0 else { return }
        update(where: { $0.hasPlaces && $0.holder == nil }) { $0.mustReconcile = true }
        guard round % 3_600 == 0, let local = membership.lastIncarnation,
            membership.lastSeenMembers.first?.incarnation == local
        else { return }
        try? await forgetUnused()
        try? await KeyValueStore(database: database).forgetFences()
    }

    /// Deletes the rows of free locks that nobody has used for a week, and were found so the last time
    /// already.
    /// - Parameter later: How many milliseconds later than now to do as if it were; for tests.
    /// - Throws: `DatabaseError`.
    package func forgetUnused(asOf later: Int64 = 0) async throws {
        let now = membership.approximateDatabaseTime + later
        try await database.write { try LockTable.sweep($0, now: now) }
    }

    /// Lets administrators on other nodes see how many wait here.
    private func tellWaiters() async {
        let counts = state.withLock { state in
            state.locks.compactMap { name, lock -> (LockHold, Int)? in
                guard let hold = lock.holder?.hold, hold.isOpen else { return nil }
                let count = lock.queue.count { $0.row == nil }
                guard count != lock.shownWaiters else { return nil }
                state.locks[name]?.shownWaiters = count
                return (hold, count)
            }
        }
        for (hold, count) in counts {
            let table = LockTable(name: hold.name, owner: hold.incarnation, timeline: 0, now: 0)
            try? await database.write(durability: .process) {
                try table.show($0, waiters: count, token: hold.token)
            }
        }
    }

    private func update(
        where isWanted: (LocalLock) -> Bool, names: Set<LockName>? = nil, _ body: (inout LocalLock) -> Void
    ) {
        let changed = state.withLock { state in
            let chosen = state.locks.filter { names?.contains($0.key) ?? true && isWanted($0.value) }
            for (name, var lock) in chosen {
                body(&lock)
                state.locks[name] = lock
            }
            return Array(chosen.keys)
        }
        for name in changed { proceed(name) }
    }
}

extension LocalLock {
    /// Whether somebody here has a place in the database's queue.
    var hasPlaces: Bool { queue.contains { $0.row != nil } }
}
