package import Portable
internal import SharedDatabase

/// What the SSH door asks about keys.
extension SSHKeys {
    /// The key of this fingerprint, if it may be used.
    package func usable(fingerprint: String) async throws -> SSHKey? {
        try await services.recalling(services.memory.keys, fingerprint) { transaction in
            let now = try transaction.now()
            return try transaction.sshKey(fingerprint: fingerprint).flatMap { $0.isGood(at: now) ? $0 : nil }
        }.answer
    }

    /// The key of this id; nil when there is none. Asks nobody's permission.
    package func find(_ id: SSHKeyID) async throws -> SSHKey? {
        try await services.lookUp { try $0.sshKey(id) }
    }

    /// As whom the holder of a key acts on the repository of this address; nil when the key may no longer be
    /// used.
    package func principal(
        key id: SSHKeyID, projectKey: String, slug: String
    ) async throws -> Principal? {
        let question = AccessMemory.KeyUse(key: id, projectKey: projectKey, slug: slug)
        return try await services.recalling(services.memory.keyUses, question) { transaction in
            guard let key = try transaction.sshKey(id), key.isGood(at: try transaction.now()) else {
                return nil
            }
            guard key.isAccessKey else { return Principal(user: key.user) }
            let repository =
                try transaction.repository(projectKey: projectKey, slug: slug)
                ?? transaction.repository(formerProjectKey: projectKey, slug: slug)
            guard let repository else { return key.principal(nil) }
            let accesses = [
                try transaction.sshAccess(id, .repository(repository.id)),
                try transaction.sshAccess(id, .project(repository.project.id)),
            ].compactMap { $0 }
            return key.principal(accesses.first { $0.permission.implies(.repoWrite) } ?? accesses.first)
        }.answer
    }

    /// Writes down that a key was used, at most once in ten minutes.
    package func noteUse(of key: SSHKeyID) async {
        // A key is good also while the database cannot be written.
        if case .unreachable = services.database.health { return }
        _ = try? await services.write(changesAccess: false) { transaction in
            let now = try transaction.now()
            try transaction.execute(
                "UPDATE ssh_key SET last_used_at = ? WHERE id = ? AND COALESCE(last_used_at, 0) < ?",
                [.integer(now), .id(key), .integer(now - 600_000)])
        }
    }

    /// Of these keys, those that may no longer be used.
    package func unusable(among keys: Set<SSHKeyID>) async throws -> Set<SSHKeyID> {
        try await services.read { transaction in
            let now = try transaction.now()
            return try keys.filter { try transaction.sshKey($0).map { !$0.isGood(at: now) } ?? true }
        }
    }

    /// Calls `handler` with keys as they are taken away on this node; it must not block.
    package func onRevocation(_ handler: @escaping @Sendable (Set<SSHKeyID>) -> Void) {
        services.keyRevocations.add(handler)
    }
}

extension SSHKey {
    /// As whom the holder of an access key acts where it has this access, or none.
    fileprivate func principal(_ access: SSHAccess?) -> Principal {
        let owner = access?.owner.tokenOwner ?? .repository(0)
        let permissions = access.map { PermissionSet($0.permission) } ?? .none
        return Principal(
            user: user, tokenGrant: TokenGrant(id: nil, owner: owner, permissions: permissions))
    }
}
