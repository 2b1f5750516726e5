import Logging
import SharedDatabase
import Synchronization

extension LockService {
    /// The most locks that ``list(namespace:)`` gives.
    package static let listMax = 1_000

    /// The locks that are held in the cluster, by name.
    /// - Parameter namespace: Whose; everybody's unless told.
    /// - Throws: `DatabaseError`.
    package func list(namespace: String? = nil) async throws -> [LockDescription] {
        try await database.read { try LockTable.held($0, namespace: namespace, limit: LockService.listMax) }
    }

    /// Whether this node holds the lock and knows that runs on other nodes wait for it: for tests.
    package func isContended(_ name: LockName) -> Bool {
        state.withLock { $0.locks[name]?.isContended ?? false }
    }

    /// Takes a lock away from whoever holds it: its token is stale from now on, and the next one gets the
    /// lock. The holder is told, but what it does outside the server goes on until it looks.
    /// - Returns: Whether anybody held it.
    /// - Throws: `DatabaseError`; ``ClusterError/notMember``.
    package func breakLock(_ name: LockName) async throws -> Bool {
        let table = LockTable(
            name: name, owner: try await membership.certainIncarnation(), timeline: membership.timeline,
            now: membership.approximateDatabaseTime)
        let isBroken = try await database.write { try table.breakLock($0) }
        if isBroken { logger.warning("lock broken", metadata: ["lock": "\(name)"]) }
        return isBroken
    }
}
