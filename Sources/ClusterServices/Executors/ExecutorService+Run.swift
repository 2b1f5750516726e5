import Portable
import SharedDatabase
import Synchronization

extension ExecutorService {
    /// Begins with what was claimed, as far as the executor's limit allows; the rest follows as others end.
    func start(_ batches: [ExecutorRows.ClaimedBatch], executor: Int64) {
        let now = ContinuousClock.now
        state.withLock { state in
            guard let slot = state.slots[executor], !slot.isEnded, !state.isStopped else {
                // The executor ended while its buckets were claimed. Nothing is known of its settings, and
                // giving back needs none.
                let definition = state.slots[executor]?.definition ?? Self.forgotten
                state.settlements += batches.map {
                    Settlement(batch: $0, definition: definition, outcome: .givenBack(rest: 0))
                }
                return
            }
            let attemptsMax = Int64(slot.definition.settings.attemptsMax)
            for batch in batches {
                // A node that dies with a batch may have died of it; the first times it is given the benefit
                // of the doubt.
                if batch.attempt > attemptsMax + 2 {
                    state.settlements.append(
                        Settlement(
                            batch: batch, definition: slot.definition,
                            outcome: .failed(ExecutorRows.interruption)))
                } else {
                    state.slots[executor]?.waiting.append((batch, now))
                }
            }
            startWaiting(&state, executor)
        }
    }

    func startWaiting(_ state: inout State, _ executor: Int64) {
        let nodes = state.nodes
        guard let room = state.slots[executor]?.room(nodes: nodes), room > 0,
            let definition = state.slots[executor]?.definition,
            let batches = state.slots[executor]?.waiting.prefix(room).map(\.batch)
        else { return }
        state.slots[executor]?.waiting.removeFirst(batches.count)
        for batch in batches {
            state.lastNumber += 1
            let number = state.lastNumber
            let task = Task { [self] in await run(batch, definition, number: number) }
            state.slots[executor]?.running[number] = ExecutorSlot.Running(
                batch: batch, definition: definition, task: task)
        }
    }

    private func run(
        _ batch: ExecutorRows.ClaimedBatch, _ definition: ExecutorSlot.Definition, number: Int
    ) async {
        let start = ContinuousClock.now
        var settlement = Settlement(batch: batch, definition: definition, outcome: .done)
        var isWritten = false
        do {
            if let effects = try await definition.process(try batch.decoded(limits: .unlimited)) {
                guard isRunning(number, of: batch.key.executor) else { return refuse(settlement) }
                switch try await writeAlone(settlement, effects: effects) {
                case .missed: refuse(settlement)
                case let finished: take(finished, of: settlement, claimed: false)
                }
                isWritten = true
            }
        } catch is TaskNotTaken {
            // Where this goes on, it must not go on as fast as it can.
            settlement = Settlement(batch: batch, definition: definition, outcome: .givenBack(rest: 50))
        } catch {
            settlement = Settlement(
                batch: batch, definition: definition, outcome: .failed(Self.clause(error)))
        }
        end(settlement, number: number, isWritten: isWritten, took: start.duration(to: .now))
    }

    private func end(_ settlement: Settlement, number: Int, isWritten: Bool, took: Duration) {
        let executor = settlement.batch.key.executor
        metrics.ended(settlement, took: took)
        let drained = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            // A batch that was cut off has been given back already.
            guard state.slots[executor]?.running.removeValue(forKey: number) != nil else { return [] }
            if !isWritten { state.settlements.append(settlement) }
            let seconds = took / .seconds(1)
            let average = state.slots[executor]?.averageSeconds ?? seconds
            state.slots[executor]?.averageSeconds =
                seconds > average ? seconds * 0.5 + average * 0.5 : seconds * 0.1 + average * 0.9
            startWaiting(&state, executor)
            guard state.slots[executor]?.isEnded == true, state.slots[executor]?.running.isEmpty == true
            else { return [] }
            defer { state.slots[executor]?.drained = [] }
            return state.slots[executor]?.drained ?? []
        }
        for waiter in drained { waiter.resume() }
        claimBell.ring()
    }

    private func isRunning(_ number: Int, of executor: Int64) -> Bool {
        state.withLock { $0.slots[executor]?.running[number] != nil }
    }

    /// Gives back what was claimed and not begun.
    func giveBackWaiting(
        _ state: inout State, _ executor: Int64, before: ContinuousClock.Instant? = nil
    ) {
        guard let slot = state.slots[executor] else { return }
        let isOld = { (item: (batch: ExecutorRows.ClaimedBatch, since: ContinuousClock.Instant)) in
            before.map { item.since < $0 } ?? true
        }
        let old = slot.waiting.filter(isOld)
        state.slots[executor]?.waiting.removeAll(where: isOld)
        state.settlements += old.map {
            Settlement(batch: $0.batch, definition: slot.definition, outcome: .givenBack(rest: 0))
        }
    }

    /// Drops all that a lost incarnation held: others have it now, and nothing of it can be written down.
    func drop(owner: Int64) {
        let tasks = state.withLock { state -> [Task<Void, Never>] in
            var tasks: [Task<Void, Never>] = []
            for (id, slot) in state.slots {
                state.slots[id]?.waiting.removeAll { $0.batch.owner == owner }
                tasks += slot.running.values.filter { $0.batch.owner == owner }.map(\.task)
            }
            return tasks
        }
        for task in tasks { task.cancel() }
    }

    private static let forgotten = ExecutorSlot.Definition(
        number: 0, namespace: "", name: "", settings: ExecutorSettings(), process: { _ in nil })

    /// What is kept of an error; texts in the database hold no NUL.
    private static func clause(_ error: any Error) -> String {
        let text = "\(error)"
        let short =
            text.utf8.count <= 2000
            ? text : String(decoding: text.utf8.prefix(2000), as: UTF8.self) + " (cut)"
        return short.utf8.contains(0) ? short.split(separator: "\0").joined(separator: " ") : short
    }
}

extension ExecutorRows.ClaimedBatch {
    func decoded(limits: PortableLimits) throws -> TaskBatch {
        TaskBatch(
            bucket: key.bucket,
            tasks: try tasks.map { task in
                TaskBatch.Item(
                    number: task.number, payload: try MessagePack.decode(task.payload, limits: limits),
                    submittedAt: task.submittedAt)
            }, attempt: Int(clamping: attempt), fence: fence)
    }

    private var fence: WriteFence {
        let (key, owner, claim) = (key, owner, claim)
        return WriteFence { transaction in
            let row = try transaction.firstRow(
                """
                SELECT claim FROM executor_bucket WHERE executor_id = ? AND bucket = ? AND owner = ?
                AND claim = ?
                AND EXISTS (SELECT 1 FROM cluster_node n WHERE n.incarnation = ?)
                \(transaction.forUpdate)
                """,
                [
                    .integer(key.executor), .text(key.bucket), .integer(owner), .integer(claim),
                    .integer(owner),
                ])
            guard row != nil else { throw LockError.bucketLost(bucket: key.bucket) }
        }
    }
}
