import Logging
import SharedDatabase
import Synchronization

extension Membership {
    /// Renews the lease once, with the session that belongs to it.
    func renew() async {
        defer { state.withLock { $0.isRenewing = false } }
        let life: MembershipLife? = state.withLock { state in
            guard case .member(let life) = state.phase else { return nil }
            return life
        }
        guard let life else { return }
        do {
            if life.session?.isHeld == false { try await openSession(life.incarnation) }
            let sent = clock.now
            let (table, httpPort) = (table, state.withLock { $0.httpPort })
            let sight = try await database.write { transaction in
                try table.renew(
                    transaction, life.incarnation, httpPort: httpPort, load: Membership.load,
                    timeline: life.timeline)
            }
            guard let sight else {
                return lose(life.incarnation, because: "the cluster has given this node up")
            }
            if sight.timeline != life.timeline { await checkHistory(sight, life.incarnation) }
            let answered = clock.now
            state.withLock { $0.databaseTime = (sight.now, answered) }
            change(life.incarnation) { $0.extend(sent: sent, timing: timing) }
        } catch {
            logger.warning("the lease in the cluster could not be renewed", metadata: ["error": "\(error)"])
            let now = clock.now
            change(life.incarnation) {
                $0.renewalDue = now + ($0.isDoubted ? min(timing.retry, .milliseconds(50)) : timing.retry)
            }
        }
    }

    private func openSession(_ incarnation: NodeIncarnation) async throws {
        observations.withLock { $0.forgetSessions() }
        guard let session = try await database.holdSessionLock(key: Membership.sessionKey(of: incarnation))
        else {
            // The database has not noticed the end of the old session yet.
            throw DatabaseError.busy
        }
        let isKept = change(incarnation) { $0.session = session }
        if !isKept { await session.release() }
    }

    private func checkHistory(
        _ sight: MembershipTable.DatabaseSight, _ incarnation: NodeIncarnation
    ) async {
        logger.warning(
            "the database goes on with another history", metadata: ["database.timeline": "\(sight.timeline)"])
        let settledFrom = clock.now + .milliseconds(max(0, (sight.settledAt ?? 0) - sight.now))
        for check in state.withLock({ $0.checks }) { await check(sight.timeline) }
        change(incarnation) { ($0.timeline, $0.settledFrom) = (sight.timeline, settledFrom) }
        streams.tell(.historyChanged(timeline: sight.timeline))
    }

    @discardableResult
    private func change(_ incarnation: NodeIncarnation, _ body: (inout MembershipLife) -> Void) -> Bool {
        state.withLock { state in
            guard case .member(var life) = state.phase, life.incarnation == incarnation else { return false }
            body(&life)
            state.phase = .member(life)
            return true
        }
    }
}
