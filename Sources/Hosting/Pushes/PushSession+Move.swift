package import GitStore
package import Portable

extension PushSession {
    /// Makes a place for the objects of the push.
    /// - Throws: ``HostingError``.
    package func makeQuarantine() async throws -> Quarantine {
        try await onDisk { git, path in try await git.makeQuarantine(in: path) }
    }

    /// Says of each ref why it cannot get its new value, as far as the object goes.
    /// - Throws: ``HostingError``.
    package func objections(
        to updates: [RefUpdate], quarantine: Quarantine?
    ) async throws -> [RefName: String] {
        try await onDisk { git, path in
            try await git.objections(to: updates, quarantine: quarantine, in: path)
        }
    }

    /// Does what git does once its hook has accepted: makes the objects part of the repository, moves the
    /// refs and writes down what happened; all of it lasts when this returns. To be called after
    /// ``preReceive(changes:quarantine:options:)`` has accepted; comes to its end even when the calling task
    /// is cancelled.
    /// - Parameter updates: What was accepted.
    /// - Returns: Why a ref was not moved, by name.
    /// - Throws: ``UnconfirmedPush`` when refs may have moved and that could not be made to last;
    ///   ``HostingError`` when they could not be moved. Nothing may be told to have happened.
    package func moveRefs(
        _ updates: [RefUpdate], quarantine: Quarantine?, isAtomic: Bool
    ) async throws -> [RefName: GitStoreError] {
        try await unlessCut { [self] in
            let failures: [RefName: GitStoreError]
            do {
                await reach(.intended)
                failures = try await onDisk { git, path in
                    if let quarantine { try await git.migrate(quarantine) }
                    await reach(.migrated)
                    do {
                        return try await git.moveRefs(updates, isAtomic: isAtomic, in: path)
                    } catch {
                        throw UnconfirmedPush(cause: error)
                    }
                }
                await reach(.moved)
            } catch {
                await abandon()
                throw error
            }
            let lines = updates.map { update in
                PushReport.Line(
                    ref: update.name.full,
                    outcome: failures[update.name].map { .refused(reason: "\($0)") } ?? .ok)
            }
            do {
                try await finish(report: PushReport(lines: lines), isOnDisk: true)
            } catch {
                throw UnconfirmedPush(cause: error)
            }
            await reach(.confirmed)
            return failures
        }
    }
}

/// A push whose refs may have moved while that could not be made to last; if they did, its event comes later.
package struct UnconfirmedPush: Error {
    /// Why.
    package let cause: any Error
}
