import Logging
import Portable
import SharedDatabase
import Synchronization

extension ExecutorService {
    /// Writes down how batches ended, and takes new ones, all that there is in one transaction.
    func claimLoop() async {
        var failures = 0
        while await claimBell.wait() {
            while let round = nextRound() {
                if await run(round) {
                    failures = 0
                } else {
                    // What is not written down by the end is done once more by somebody.
                    if Task.isCancelled { return }
                    failures += 1
                    try? await Task.sleep(for: .milliseconds(min(2000, 50 << min(failures, 6))))
                }
            }
        }
    }

    /// What one transaction does.
    private struct Round: Sendable {
        struct Target: Sendable {
            let executor: Int64
            let limit: Int
            let batch: Int
            let readySince: Int64
        }

        var settlements: [Settlement] = []
        var owner: Int64?
        var claim: Int64 = 0
        var targets: [Target] = []
        var sweeps = false
    }

    private struct RoundResult: Sendable {
        /// By the places of the settlements.
        var finished: [ExecutorRows.Finished?] = []
        var claimed: [Int64: (batches: [ExecutorRows.ClaimedBatch], now: Int64?)] = [:]
        var swept: Set<Int64> = []
        var isSwept = true
    }

    private func nextRound() -> Round? {
        let owner = (try? membership.incarnation())?.rawValue
        return state.withLock { state in
            var round = Round()
            round.settlements = Array(state.settlements.prefix(1000))
            state.settlements.removeFirst(round.settlements.count)
            if let owner {
                round.owner = owner
                round.sweeps = state.isSweepDue
                state.isSweepDue = false
                for (id, slot) in state.slots where slot.mayHaveMore && !state.isStopped {
                    let limit = slot.want(nodes: state.nodes)
                    guard limit > 0 else { continue }
                    state.slots[id]?.mayHaveMore = false
                    round.targets.append(
                        Round.Target(
                            executor: id, limit: limit, batch: slot.definition.settings.batch,
                            readySince: slot.readySince))
                }
                state.lastClaim += 1
                round.claim = state.lastClaim
            }
            return round.settlements.isEmpty && round.targets.isEmpty && !round.sweeps ? nil : round
        }
    }

    /// - Returns: Whether the database took it.
    private func run(_ round: Round) async -> Bool {
        let isRelaxed = round.settlements.isEmpty
        do {
            let result = try await database.write(durability: isRelaxed ? .process : .disk) { transaction in
                var result = RoundResult()
                if round.sweeps || !round.settlements.isEmpty {
                    let rows = try ExecutorRows(transaction)
                    if round.sweeps { (result.swept, result.isSwept) = try rows.sweep(limit: 500) }
                    result.finished = try Self.finish(round.settlements, rows)
                }
                for (place, target) in round.targets.enumerated() {
                    guard let owner = round.owner else { break }
                    result.claimed[target.executor] = try ExecutorRows.claim(
                        target.executor, owner: owner, claim: round.claim, limit: target.limit,
                        batch: target.batch, readySince: target.readySince,
                        isLast: place == round.targets.count - 1, transaction)
                }
                return result
            }
            take(result, of: round)
            return true
        } catch {
            if let owner = round.owner, case DatabaseError.outcomeUnknown = error {
                noteUnknown(owner: owner, claim: round.claim)
            }
            state.withLock { state in
                state.settlements.insert(contentsOf: round.settlements, at: 0)
                state.isSweepDue = state.isSweepDue || round.sweeps
                for target in round.targets { state.slots[target.executor]?.mayHaveMore = true }
            }
            logger.warning("executors cannot reach the database", metadata: ["error": "\(error)"])
            return false
        }
    }

    private static func finish(
        _ settlements: [Settlement], _ rows: ExecutorRows
    ) throws -> [ExecutorRows.Finished?] {
        var results = [ExecutorRows.Finished?](repeating: nil, count: settlements.count)
        struct Holder: Hashable {
            let executor: Int64
            let owner: Int64
        }
        var groups: [Holder: [Int]] = [:]
        for (index, settlement) in settlements.enumerated() {
            let batch = settlement.batch
            groups[Holder(executor: batch.key.executor, owner: batch.owner), default: []].append(index)
        }
        var counts: [Int64: Int64] = [:]
        for (holder, indices) in groups.sorted(by: { $0.key.executor < $1.key.executor }) {
            let finished = try rows.finish(
                indices.map { settlements[$0].finish }, executor: holder.executor, owner: holder.owner)
            for (index, result) in zip(indices, finished) {
                results[index] = result
                if case .written(let tasks, _, _) = result { counts[holder.executor, default: 0] -= tasks }
            }
        }
        let owner = settlements.first?.batch.owner ?? 0
        try rows.count(counts, shard: ExecutorShard.completions(owner))
        return results
    }

    private func take(_ result: RoundResult, of round: Round) {
        for (settlement, finished) in zip(round.settlements, result.finished) {
            guard let finished else { continue }
            take(
                finished, of: settlement, claimed: result.claimed.keys.contains(settlement.batch.key.executor)
            )
        }
        for target in round.targets {
            let (batches, now) = result.claimed[target.executor] ?? ([], nil)
            start(batches, executor: target.executor)
            if batches.count >= target.limit {
                // There may be more than this node takes.
                state.withLock { state in
                    state.slots[target.executor]?.mayHaveMore = true
                    if state.nodes > 1 { state.tidings.insert(target.executor) }
                }
                tidingsBell.ring()
            } else if let now {
                // What is found from now on became due after this, but for what a slow transaction commits.
                state.withLock { $0.slots[target.executor]?.readySince = now - 2000 }
            }
        }
        if !result.isSwept { state.withLock { $0.isSweepDue = true } }
        if !result.swept.isEmpty { wake(result.swept, all: true) }
    }

    /// Takes note of how the end of a batch was written down.
    func take(_ finished: ExecutorRows.Finished, of settlement: Settlement, claimed: Bool) {
        let key = settlement.batch.key
        switch finished {
        case .written(let tasks, let dead, let rest):
            metrics.finished(settlement, tasks: tasks, dead: dead)
            if dead > 0, case .failed(let error) = settlement.outcome {
                logger.warning(
                    "tasks became dead letters",
                    metadata: [
                        "plugin.id": "\(settlement.definition.namespace)",
                        "executor": "\(settlement.definition.name)", "bucket": "\(key.bucket)",
                        "tasks": "\(dead)", "error": "\(error)",
                    ])
            }
            guard let rest else { return }
            if rest > 0 { wake(key.executor, in: rest) } else if !claimed { wake([key.executor]) }
        case .missed: refuse(settlement)
        }
    }

    /// The bucket belongs to somebody else by now; its tasks are worked on once more.
    func refuse(_ settlement: Settlement) {
        metrics.refused(settlement)
        logger.warning(
            "the end of a batch was refused: its bucket belongs to this node no longer",
            metadata: [
                "plugin.id": "\(settlement.definition.namespace)",
                "executor": "\(settlement.definition.name)",
                "bucket": "\(settlement.batch.key.bucket)",
            ])
    }

    /// Ends a batch in a transaction of its own, together with what its processor wants written.
    func writeAlone(_ settlement: Settlement, effects: TaskEffects?) async throws -> ExecutorRows.Finished {
        let batch = settlement.batch
        return try await database.write { transaction in
            let rows = try ExecutorRows(transaction)
            let finished = try rows.finish(
                [settlement.finish], executor: batch.key.executor, owner: batch.owner)
            guard case .written(let tasks, _, _)? = finished.first else { return .missed }
            try effects?(transaction)
            try rows.count([batch.key.executor: -tasks], shard: ExecutorShard.any)
            return finished[0]
        }
    }
}

extension Settlement {
    var finish: ExecutorRows.Finish {
        ExecutorRows.Finish(
            key: batch.key, claim: batch.claim, outcome: outcome, bytes: batch.bytes,
            settings: definition.settings)
    }
}
