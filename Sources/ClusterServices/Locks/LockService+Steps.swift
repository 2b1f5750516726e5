import Logging
import Portable
import SharedDatabase
import Synchronization

extension LockService {
    /// Does what is next for a lock, until there is nothing to do.
    func proceed(_ name: LockName) {
        let step = state.withLock { state in
            defer { if state.locks[name]?.isIdle == true { state.locks[name] = nil } }
            return state.locks[name]?.nextStep()
        }
        guard let step else { return }
        // Owned by the lock's `isWorking`: there is one at a time, and it ends with its transaction.
        Task {
            await self.run(step, name)
            self.proceed(name)
        }
    }

    private func run(_ step: LocalLock.Step, _ name: LockName) async {
        do {
            let owner =
                if let hold = step.hold { hold.incarnation } else {
                    try await membership.certainIncarnation()
                }
            let table = LockTable(
                name: name, owner: owner, timeline: membership.timeline,
                now: membership.approximateDatabaseTime)
            switch step {
            case .acquire(let waiter): try await acquire(waiter, table)
            case .enqueue(let waiters):
                let rows = try await database.write(durability: .process) {
                    try table.enqueue($0, labels: waiters.map(\.label))
                }
                settle(table) { $0.place(waiters, rows) }
            case .withdraw(let rows):
                let gone = try await database.write(durability: .process) { try table.withdraw($0, rows) }
                settle(table) { $0.withdraw(rows, gone: gone) }
            case .pass(let hold, let waiter): try await pass(hold, to: waiter, table)
            case .handOff(let hold, let waiters):
                let (rows, grant) = try await database.write {
                    try table.handOff($0, token: hold.token, labels: waiters.map(\.label))
                }
                settle(table) { lock in
                    lock.place(waiters, rows)
                    lock.endHold(hold)
                    lock.accept(grant, table)
                }
            case .release(let hold):
                let isDone = try await database.write(durability: .process) {
                    try table.release($0, token: hold.token)
                }
                settle(table) { isDone ? $0.endHold(hold) : ($0.isContended = true) }
            case .reconcile(let waiters, let hold): try await reconcile(waiters, hold, table)
            }
        } catch {
            await fail(step, name, error)
        }
    }

    private func acquire(_ waiter: LocalLock.Waiter, _ table: LockTable) async throws {
        let mayGrant = membership.isSettled
        let result = try await database.write { transaction -> LockTable.Acquisition in
            if mayGrant, let token = try table.take(transaction, label: waiter.label) {
                return .granted(token: token)
            }
            return try table.takeOrWait(
                transaction, label: waiter.label, isTry: waiter.isTry, mayGrant: mayGrant)
        }
        if case .unsettled = result, !waiter.isTry {
            membership.renewSoon()
            await ClusterThread.shared.sleep(for: .milliseconds(50))
        }
        settle(table) { lock in
            switch result {
            case .granted(let token): lock.grant(token, table) { $0.id == waiter.id }
            case .queued(let row): lock.place([waiter], [row])
            case .unsettled where !waiter.isTry: break
            case .taken, .unsettled: lock.refuse(waiter.id)
            }
        }
    }

    private func pass(_ hold: LockHold, to waiter: LocalLock.Waiter, _ table: LockTable) async throws {
        let token = try await database.write {
            try table.pass($0, token: hold.token, label: waiter.label, isAhead: waiter.isAhead)
        }
        settle(table) { lock in
            guard let token else {
                if lock.isContended { lock.mustReconcile = true }
                lock.isContended = true
                return
            }
            lock.endHold(hold, keepsOrder: true)
            lock.grant(token, table) { $0.id == waiter.id }
        }
    }

    private func reconcile(
        _ waiters: [LocalLock.Waiter], _ hold: LockHold?, _ table: LockTable
    ) async throws {
        let mayGrant = membership.isSettled
        let rows = waiters.compactMap(\.row)
        let result = try await database.write {
            try table.reconcile($0, held: hold?.token, waiting: rows, mayGrant: mayGrant)
        }
        let isLost = hold.map { result.holder != table.owner || result.token != $0.token } ?? false
        if isLost { hold?.lose() }
        settle(table) { lock in
            lock.mustReconcile = !mayGrant && result.holder != table.owner && !rows.isEmpty
            if let hold, isLost { lock.endHold(hold) }
            lock.accept(result.granted, table)
            for index in lock.queue.indices { lock.queue[index].isWithdrawn = false }
            // Places that are gone without a grant are taken anew.
            for index in lock.queue.indices {
                guard let row = lock.queue[index].row, rows.contains(row), !result.rows.contains(row) else {
                    continue
                }
                lock.queue[index].row = nil
            }
        }
        if !mayGrant { await ClusterThread.shared.sleep(for: .milliseconds(50)) }
    }

    /// Takes in what a transaction has done, unless the incarnation that it was done for has ended since.
    private func settle(_ table: LockTable, _ body: (inout LocalLock) -> Void) {
        let answers: [@Sendable () -> Void] = state.withLock { state in
            guard var lock = state.locks[table.name] else { return [] }
            defer { state.locks[table.name] = lock }
            lock.isWorking = false
            if membership.lastIncarnation == table.owner || lock.holder?.hold.incarnation == table.owner {
                body(&lock)
                if !lock.early.isEmpty { lock.accept(nil, table) }
            } else {
                lock.mustReconcile = true
            }
            return lock.takeAnswers()
        }
        for answer in answers { answer() }
    }

    /// A transaction came to nothing, or nobody knows to what.
    private func fail(_ step: LocalLock.Step, _ name: LockName, _ error: any Error) async {
        var isUnknown = false
        if case .outcomeUnknown = error as? DatabaseError { isUnknown = true }
        if case .acquire(let waiter) = step, !isUnknown {
            state.withLock { $0.locks[name]?.remove { $0.id == waiter.id } }?.answer(.failure(error))
        } else {
            logger.debug("a lock waits for the database", metadata: ["lock": "\(name)", "error": "\(error)"])
            await ClusterThread.shared.sleep(for: .milliseconds(100))
        }
        state.withLock { state in
            guard var lock = state.locks[name] else { return }
            lock.isWorking = false
            if isUnknown { lock.mustReconcile = true }
            if case .withdraw(let rows) = step { lock.withdrawAgain(rows) }
            state.locks[name] = lock
        }
    }
}
