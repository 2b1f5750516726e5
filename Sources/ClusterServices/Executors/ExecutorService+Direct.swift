import SharedDatabase
import Synchronization

/// What a submission claims for its own node: buckets that have no task yet.
struct DirectClaim: Sendable {
    let owner: Int64
    /// As of every claim, never used before by this owner.
    let claim: Int64
    /// How many tasks each bucket's first batch may have.
    let sizes: [BucketKey: Int]

    /// Adds a task to its bucket's batch, where that is one that is claimed and has room.
    func add(
        _ task: ExecutorRows.StoredTask, _ number: Int64, _ now: Int64,
        to batches: inout [BucketKey: ExecutorRows.ClaimedBatch]
    ) {
        guard let size = sizes[task.key], batches[task.key]?.tasks.count ?? 0 < size else { return }
        let empty = ExecutorRows.ClaimedBatch(key: task.key, owner: owner, claim: claim, attempt: 1)
        batches[task.key, default: empty].tasks.append((number, task.submittedAt ?? now, task.payload))
    }
}

extension ExecutorService {
    /// How long the server may take to carry out a claim whose answer did not come.
    private static let unknownClaimTime = Duration.seconds(120)

    /// Keeps room for buckets of these tasks, as far as this node has some to begin with at once, while
    /// `body` writes them. `isOver` gives the room back; it is called when the claims are known.
    func reserving<Value: Sendable>(
        _ tasks: [ExecutorRows.StoredTask], owner: Int64,
        _ body: (_ direct: DirectClaim?, _ isOver: @escaping @Sendable () -> Void) async throws -> Value
    ) async throws -> Value {
        guard owner != 0, let direct = state.withLock({ reserve(&$0, tasks, owner) }) else {
            return try await body(nil) {}
        }
        let isReserved = Mutex(true)
        let isOver: @Sendable () -> Bool = { [self] in
            let isFirst = isReserved.withLock { isReserved in
                defer { isReserved = false }
                return isReserved
            }
            if isFirst { state.withLock { free(&$0, direct) } }
            return isFirst
        }
        do {
            return try await body(direct) { _ = isOver() }
        } catch {
            // Once the claims were known they are worked on, whatever is unknown of the disk.
            if isOver(), case DatabaseError.outcomeUnknown = error {
                noteUnknown(owner: owner, claim: direct.claim)
            }
            // There is room again for others.
            wake(Set(direct.sizes.keys.map(\.executor)))
            throw error
        }
    }

    private func reserve(
        _ state: inout State, _ tasks: [ExecutorRows.StoredTask], _ owner: Int64
    ) -> DirectClaim? {
        guard !state.isStopped else { return nil }
        var groups: [BucketKey: (count: Int, bytes: Int64)] = [:]
        for task in tasks {
            if groups[task.key] == nil {
                guard let slot = state.slots[task.key.executor], !slot.isEnded, slot.waiting.isEmpty,
                    slot.room(nodes: state.nodes) > 0
                else { continue }
                state.slots[task.key.executor]?.reserved += 1
            }
            groups[task.key, default: (0, 0)].count += 1
            groups[task.key, default: (0, 0)].bytes += Int64(task.payload.count)
        }
        guard !groups.isEmpty else { return nil }
        state.lastClaim += 1
        var sizes: [BucketKey: Int] = [:]
        for (key, group) in groups {
            let batch = state.slots[key.executor]?.definition.settings.batch ?? 1
            let isLarge = group.bytes > ExecutorSettings.batchBytes
            sizes[key] = min(group.count, isLarge ? min(batch, ExecutorSettings.largeBatch) : batch)
        }
        return DirectClaim(owner: owner, claim: state.lastClaim, sizes: sizes)
    }

    private func free(_ state: inout State, _ direct: DirectClaim) {
        for key in direct.sizes.keys {
            let reserved = state.slots[key.executor]?.reserved ?? 0
            state.slots[key.executor]?.reserved = max(0, reserved - 1)
        }
        // What was claimed before may have found no room meanwhile.
        for executor in Set(direct.sizes.keys.map(\.executor)) { startWaiting(&state, executor) }
    }

    /// Remembers a claim that the database may have taken, or may yet take: nobody works on its buckets.
    func noteUnknown(owner: Int64, claim: Int64) {
        state.withLock { $0.unknownClaims.append((owner, claim, .now + Self.unknownClaimTime)) }
    }

    /// Gives back what was claimed without this node's knowing.
    func giveBackUnknown() async {
        let claims = state.withLock { state in
            state.unknownClaims.removeAll { $0.until < .now }
            return state.unknownClaims.map { (owner: $0.owner, claim: $0.claim) }
        }
        guard !claims.isEmpty else { return }
        let executors = try? await database.write { transaction in
            var executors: Set<Int64> = []
            for claim in claims {
                try executors.formUnion(
                    ExecutorRows(transaction).giveBack(owner: claim.owner, claim: claim.claim))
            }
            return executors
        }
        wake(executors ?? [], all: true)
    }
}
