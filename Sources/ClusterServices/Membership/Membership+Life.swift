import Logging
import SharedDatabase
import Synchronization

extension Membership {
    /// Takes this node's row and keeps its lease from now on.
    ///
    /// A row of the same node id that nobody renews is waited out; one that is renewed is another node's.
    /// - Throws: ``ClusterError`` with what differs from the cluster; `DatabaseError`.
    package func join() async throws {
        let isFirst = state.withLock { state in
            guard case .outside = state.phase else { return false }
            state.phase = .joining
            return true
        }
        guard isFirst else { return }
        do {
            try await takeRow()
        } catch {
            state.withLock { $0.phase = .outside }
            throw error
        }
        start()
    }

    /// Gives up the row and with it all that the node holds; the others are notified. Does nothing when the
    /// node is not a member.
    package func leave() async {
        let (before, previous, heart, listener) = state.withLock { state in
            defer { state.phase = .left }
            return (state.phase, state.previous, state.heart, state.listener)
        }
        heart?.cancel()
        listener?.cancel()
        guard case .member(let life) = before else {
            await remove(previous)
            return streams.finish()
        }
        streams.tell(.lost(life.incarnation))
        await remove(previous.union([life.incarnation]))
        await life.session?.release()
        streams.finish()
        logger.info("left the cluster", metadata: ["node.incarnation": "\(life.incarnation)"])
    }

    /// Stops to look after the lease without giving it back, as the death of the process would: for tests.
    package func abandon() async {
        let (heart, listener) = state.withLock { state in
            defer { state.phase = .left }
            return (state.heart, state.listener)
        }
        heart?.cancel()
        listener?.cancel()
        streams.finish()
    }

    private func remove(_ incarnations: Set<NodeIncarnation>) async {
        guard !incarnations.isEmpty else { return }
        let table = table
        do {
            try await database.write { transaction in
                for incarnation in incarnations {
                    _ = try table.remove(transaction, incarnation, renewals: nil)
                }
            }
        } catch {
            logger.warning(
                "the cluster was not told of leaving; it finds out by itself", metadata: ["error": "\(error)"]
            )
        }
    }

    private func start() {
        let isShared = state.withLock { $0.isShared }
        let pause = timing.beat(isShared: isShared)
        let heart = ClusterThread.shared.task { [weak self] in
            while !Task.isCancelled {
                guard self?.beat() == true else { return }
                await ClusterThread.shared.sleep(for: pause)
            }
        }
        let listener = ClusterThread.shared.task { [weak self, database] in
            guard let signals = try? await database.signals(of: [MembershipTable.channel]) else { return }
            for await signal in signals where signal != .interrupted {
                guard let self else { return }
                self.state.withLock { $0.watchDue = .zero }
                self.beat()
            }
        }
        state.withLock { ($0.heart, $0.listener) = (heart, listener) }
    }

    /// Looks at the clock, and starts what is due.
    /// - Returns: Whether there is going to be a next time.
    @discardableResult
    func beat() -> Bool {
        let now = clock.now
        var ended: MembershipLife?
        let due: [Due]? = state.withLock { state in
            var due: [Due] = []
            switch state.phase {
            case .member(let life) where now >= life.certainUntil:
                ended = life
                endLife(&state, life, at: now)
            case .member(var life):
                life.beat(at: now, beatLimit: timing.beatLimit)
                if now >= life.renewalDue, !state.isRenewing {
                    state.isRenewing = true
                    due.append(.renewal)
                }
                state.phase = .member(life)
            case .lost(let retryAt, let attempts) where now >= retryAt:
                state.phase = .joining
                due.append(.join(attempts: attempts))
            case .lost, .joining: break
            case .outside, .left: return nil
            }
            if now >= state.watchDue, !state.isWatching {
                state.isWatching = true
                state.watchDue = now + timing.watch(isShared: state.isShared)
                due.append(.watch)
            }
            return due
        }
        if let ended { tellEnd(ended, because: "it could not be renewed in time") }
        for work in due ?? [] {
            // Owned by the membership: each ends with its transaction, and at most one of a kind runs.
            _ = ClusterThread.shared.task { [self] in
                switch work {
                case .renewal: await renew()
                case .watch: await watch()
                case .join(let attempts): await joinAgain(attempts: attempts)
                }
            }
        }
        return due != nil
    }

    private enum Due {
        case renewal
        case watch
        case join(attempts: Int)
    }

    private func endLife(_ state: inout State, _ life: MembershipLife, at now: Duration) {
        state.phase = .lost(retryAt: now, attempts: 0)
        state.previous.insert(life.incarnation)
    }

    private func tellEnd(_ life: MembershipLife, because reason: String) {
        logger.warning(
            "the lease in the cluster is lost",
            metadata: ["node.incarnation": "\(life.incarnation)", "reason": "\(reason)"])
        streams.tell(.lost(life.incarnation))
        // The session says that this process lives, which the next incarnation says for itself.
        _ = ClusterThread.shared.task { await life.session?.release() }
    }

    /// This incarnation's row is gone.
    func lose(_ incarnation: NodeIncarnation, because reason: String) {
        let now = clock.now
        let ended: MembershipLife? = state.withLock { state in
            guard case .member(let life) = state.phase, life.incarnation == incarnation else { return nil }
            endLife(&state, life, at: now)
            return life
        }
        if let ended { tellEnd(ended, because: reason) }
    }

    private func joinAgain(attempts: Int) async {
        do {
            try await takeRow()
        } catch {
            logger.warning("the cluster cannot be joined again yet", metadata: ["error": "\(error)"])
            let pause = min(.milliseconds(200 << min(attempts, 5)), timing.lease / 2)
            let now = clock.now
            state.withLock { state in
                guard case .joining = state.phase else { return }
                state.phase = .lost(retryAt: now + pause, attempts: attempts + 1)
            }
        }
    }
}
