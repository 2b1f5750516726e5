import SharedDatabase
import Synchronization

extension ExecutorService {
    /// Has this node, or another one when this one has no room, look for buckets of these executors.
    /// - Parameter all: Whether also for such that have been due for long.
    func wake(_ executors: Set<Int64>, all: Bool = false) {
        guard !executors.isEmpty else { return }
        let hasTidings = state.withLock { state in
            var others: Set<Int64> = []
            for id in executors {
                state.slots[id]?.mayHaveMore = true
                if all { state.slots[id]?.readySince = 0 }
                if (state.slots[id]?.want(nodes: state.nodes) ?? 0) == 0 { others.insert(id) }
            }
            guard state.nodes > 1, !others.isEmpty else { return false }
            state.tidings.formUnion(others)
            return true
        }
        claimBell.ring()
        if hasTidings { tidingsBell.ring() }
    }

    /// Looks for an executor's buckets, or with `nil` for delayed tasks, that many milliseconds from now.
    func wake(_ executor: Int64?, in milliseconds: Int64) {
        let due = ContinuousClock.now + .milliseconds(max(0, min(milliseconds, 86_400_000)))
        state.withLock { state in
            guard !state.isStopped, state.dues.count < 10_000 else { return }
            let place = state.dues.firstIndex { $0.due > due } ?? state.dues.count
            state.dues.insert((due, executor), at: place)
            setTimer(&state)
        }
    }

    private func setTimer(_ state: inout State) {
        guard let first = state.dues.first?.due, !state.isStopped else { return }
        if let timer = state.timer, timer.due <= first { return }
        state.timer?.task.cancel()
        let task = Task { [weak self] in
            try? await Task.sleep(until: first, clock: .continuous)
            if !Task.isCancelled { self?.ringDues() }
        }
        state.timer = (first, task)
    }

    private func ringDues() {
        let now = ContinuousClock.now
        let (executors, isPromotionDue) = state.withLock { state in
            let due = state.dues.prefix { $0.due <= now }
            state.dues.removeFirst(due.count)
            state.timer = nil
            setTimer(&state)
            let isPromotionDue = due.contains { $0.executor == nil }
            if isPromotionDue { state.isPromotionDue = true }
            return (Set(due.compactMap(\.executor)), isPromotionDue)
        }
        wake(executors)
        if isPromotionDue { submissionBell.ring() }
    }

    /// Looks for everything: at the start, when something may have been missed, and now and then.
    func lookEverywhere() {
        state.withLock { state in
            for id in state.slots.keys {
                state.slots[id]?.mayHaveMore = true
                state.slots[id]?.readySince = 0
            }
            state.isSweepDue = true
            state.isPromotionDue = true
        }
        claimBell.ring()
        submissionBell.ring()
    }

    /// Follows who belongs to the cluster. A loss takes effect at once, however slow the database is.
    func follow(_ changes: AsyncStream<MembershipChange>) async {
        let (news, bell) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await self.countNodes()
                for await _ in news {
                    await self.countNodes()
                    self.lookEverywhere()
                }
            }
            for await change in changes {
                switch change {
                case .lost(let incarnation): drop(owner: incarnation.rawValue)
                case .joined, .added, .removed, .historyChanged: bell.yield()
                }
            }
            bell.finish()
        }
    }

    private func countNodes() async {
        let seen = membership.lastSeenMembers.count
        let count = (try? await membership.members().count) ?? seen
        state.withLock { $0.nodes = max(1, count) }
    }

    /// Hears of tasks that others have submitted.
    func listen(_ signals: AsyncStream<DatabaseSignal>) async {
        for await signal in signals {
            guard case .notification(_, let payload) = signal else {
                if signal == .resumed { lookEverywhere() }
                continue
            }
            let isLate = payload.first == "!"
            let ids = payload.drop { $0 == "!" }.split(separator: ",").compactMap { Int64($0) }
            state.withLock { state in
                for id in ids {
                    state.slots[id]?.mayHaveMore = true
                    if isLate { state.slots[id]?.readySince = 0 }
                }
            }
            claimBell.ring()
        }
    }

    /// Tells other nodes of tasks that this one does not take, not more often than they can make use of.
    func tidingsLoop() async {
        while await tidingsBell.wait() {
            let ids = state.withLock { state in
                defer { state.tidings = [] }
                return state.tidings.prefix(300)
            }
            guard !ids.isEmpty else { continue }
            try? await database.notify(Self.channel, ids.map { "\($0)" }.joined(separator: ","))
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Finds what nobody has told of: buckets of nodes that are no more, tasks that are due, time that has
    /// passed.
    func housekeepingLoop() async {
        var nextPoll = ContinuousClock.now + Self.pollInterval
        var polls = 0
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            guard !Task.isCancelled else { return }
            let now = ContinuousClock.now
            let isPoll = now >= nextPoll
            if isPoll { nextPoll = now + Self.pollInterval }
            let (nodes, executors) = state.withLock { state in
                for id in state.slots.keys {
                    // What waits here for long may be done elsewhere sooner.
                    if state.nodes > 1 { giveBackWaiting(&state, id, before: now - .seconds(1)) }
                }
                return (state.nodes, state.slots.filter { !$0.value.isEnded }.map(\.key))
            }
            claimBell.ring()
            await giveBackUnknown()
            guard !executors.isEmpty, isPoll || nodes > 1 else { continue }
            if isPoll {
                polls += 1
                await catchUpWithClock(delayed: polls % 6 == 1)
            }
            await lookAround(isPoll ? executors : [])
            if isPoll, polls % 6 == 1, let overviews = try? await fetchOverviews() {
                metrics.record(overviews)
            }
        }
    }

    private func lookAround(_ executors: [Int64]) async {
        let found = try? await database.read { transaction in
            let rows = try ExecutorRows(transaction)
            var ready: [Int64: Int64] = [:]
            for id in executors { ready[id] = try rows.nextReady(id) }
            return (hasLost: try rows.hasLost(), nextDue: try rows.nextDue(), ready: ready)
        }
        guard let found else { return }
        if found.hasLost {
            state.withLock { $0.isSweepDue = true }
            claimBell.ring()
        }
        if let due = found.nextDue, due < 2000 { wake(nil, in: due) }
        for (id, due) in found.ready {
            if due <= 0 { wake([id], all: true) } else if due < 6000 { wake(id, in: due) }
        }
        for (id, due) in found.ready where due < -60_000 {
            _ = try? await database.write(durability: .process) { try ExecutorRows($0).clearEmpty(id) }
        }
    }

    /// Lets the loops see what is there, and end.
    func endLoops() async {
        let (loops, timer) = state.withLock { state in
            defer { (state.loops, state.timer, state.dues) = ([], nil, []) }
            return (state.loops, state.timer)
        }
        timer?.task.cancel()
        for bell in [submissionBell, claimBell, tidingsBell] {
            bell.ring()
            bell.close()
        }
        for loop in loops { loop.cancel() }
        for loop in loops { await loop.value }
    }
}
