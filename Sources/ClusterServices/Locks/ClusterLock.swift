package import Portable

/// The locks of one namespace.
package struct NamespacedLocks: Sendable {
    /// Whose.
    package let namespace: String
    let service: LockService

    /// The lock with this name.
    /// - Throws: ``LockError/invalidName(_:)``.
    package func named(_ name: String) throws(LockError) -> ClusterLock {
        try lock(name, "named/\(name)")
    }

    /// The lock with this name for one repository.
    /// - Throws: ``LockError/invalidName(_:)``.
    package func repository(_ name: String, _ repository: RepositoryID) throws(LockError) -> ClusterLock {
        try lock(name, "repository/\(repository)/\(name)")
    }

    /// The lock with this name for one pull request.
    /// - Parameters:
    ///   - repository: The one that the pull request would change.
    ///   - number: The pull request's within that repository.
    /// - Throws: ``LockError/invalidName(_:)``.
    package func pullRequest(
        _ name: String, _ repository: RepositoryID, number: Int64
    ) throws(LockError) -> ClusterLock {
        try lock(name, "pull-request/\(repository)/\(number)/\(name)")
    }

    private func lock(_ name: String, _ stored: String) throws(LockError) -> ClusterLock {
        try LockName.check(name)
        return ClusterLock(name: LockName(namespace: namespace, name: stored), service: service)
    }
}

/// One lock of the cluster: at most one run on one node holds it.
///
/// Who waits is served in the order of coming. Runs on the holder's node queue in its memory, those on other
/// nodes in the database: one that comes beside the holder is served before one on another node of which the
/// holder's node has not heard yet, which takes as long as a notification. A run that asks for a lock which
/// it holds is refused with ``LockError/reentry(_:)``, also by `tryAcquire`: waiting for itself it would
/// never end.
package struct ClusterLock: Sendable {
    /// Which lock.
    package let name: LockName
    let service: LockService

    /// Takes the lock if it is free and nobody waits for it.
    /// - Parameters:
    ///   - run: Who asks; a run of its own unless told.
    ///   - label: What for, shown to administrators; at most 200 bytes of it.
    /// - Returns: `nil` when somebody else has it.
    /// - Throws: ``LockError``, ``ClusterError/notMember``, `DatabaseError`.
    package func tryAcquire(run: LockRun = LockRun(), label: String? = nil) async throws -> LockGuard? {
        try await service.acquire(name, run: run, label: label, isTry: true, wait: nil)
    }

    /// Takes the lock, waiting for it where it must.
    /// - Parameters:
    ///   - run: Who asks; a run of its own unless told.
    ///   - label: What for, shown to administrators; at most 200 bytes of it.
    ///   - wait: How long; without end unless told. It ends with the calling task as well.
    /// - Throws: ``LockError``, also ``LockError/timedOut(_:waited:)``; ``ClusterError/notMember``,
    ///   `DatabaseError`, `CancellationError`.
    package func acquire(
        run: LockRun = LockRun(), label: String? = nil, wait: Duration? = nil
    ) async throws -> LockGuard {
        guard let taken = try await service.acquire(name, run: run, label: label, isTry: false, wait: wait)
        else {
            throw LockError.timedOut(name, waited: wait ?? .zero)
        }
        return taken
    }

    /// Runs the body while the lock is held.
    /// - Throws: As `acquire`, and what the body throws.
    package func withLock<R: Sendable>(
        run: LockRun = LockRun(), label: String? = nil, wait: Duration? = nil,
        _ body: (LockGuard) async throws -> R
    ) async throws -> R {
        let taken = try await acquire(run: run, label: label, wait: wait)
        do {
            let result = try await body(taken)
            await taken.release()
            return result
        } catch {
            await taken.release()
            throw error
        }
    }
}
