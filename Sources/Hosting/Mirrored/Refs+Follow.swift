package import GitStore
internal import Portable

extension Refs {
    /// Moves refs to where the upstream of this mirror has them, through journal and event; no guard is
    /// asked, as the upstream has asked its own. Comes to its end even when the caller's task is cancelled.
    /// - Parameter quarantine: Where new objects wait; they become part of the repository first.
    /// - Throws: ``HostingError/conflict(message:)`` when a ref is not where the change says.
    package func follow(
        _ changes: [RefChange], in repository: Repository, quarantine: Quarantine? = nil
    ) async throws {
        let push = ProposedPush(
            id: PushID(SecretDigest.randomHex(bytes: 16)), repository: repository,
            principal: .localOperator, changes: changes, trigger: .mirror, pushOptions: [], quarantine: nil)
        try await unlessCut { [services] in
            do {
                if let quarantine { try await services.git.migrate(quarantine) }
            } catch let error as GitStoreError {
                throw HostingError(error)
            }
            guard !changes.isEmpty else { return }
            try await commit(push, [])
        }
        services.followed.note()
        services.housekeeping.notePush(to: repository.id)
    }
}
