package import Portable
internal import SharedDatabase

/// Access keys: keys that open a project or a repository by themselves, for machines.
extension SSHKeys {
    /// Gives a key access; one that opens something else already opens this too.
    /// - Parameter permission: Read or write on the owner; read when nil.
    /// - Throws: ``HostingError/conflict(message:)`` for a user's key, and for one that has access here.
    package func addAccess(
        _ text: String, label: String?, permission: Permission?, to owner: SSHAccessOwner,
        by principal: Principal
    ) async throws -> SSHAccess {
        let key = try SSHPublicKey(text)
        let label = try Self.checked(label)
        let permission = try owner.checked(permission)
        return try await services.write(duplicate: Self.duplicate) {
            [settings = services.settings] transaction in
            try transaction.requireKeyAdmin(of: owner.tokenOwner, principal, settings)
            let id: SSHKeyID
            if let known = try transaction.sshKey(fingerprint: key.fingerprint) {
                guard known.isAccessKey, try transaction.sshAccess(known.id, owner) == nil else {
                    throw Self.duplicate
                }
                id = known.id
            } else {
                let name = label ?? key.comment ?? key.fingerprint
                let service = NewUser(
                    name: "access-key-" + SecretDigest.randomHex(bytes: 8), displayName: name,
                    emailAddress: nil, password: nil, joinsDefaultGroup: false)
                let user = try transaction.insertUser(service, kind: .service, passwordHash: nil)
                id = try transaction.insertSSHKey(
                    key, label: label, user: user.id, isAccess: true, expiryDays: nil)
            }
            let (project, repository) = owner.columns
            let sql = """
                INSERT INTO ssh_access (key_id, project_id, repository_id, permission, created_at)
                VALUES (?, ?, ?, ?, ?)
                """
            try transaction.execute(
                sql,
                [
                    .id(id), .id(project), .id(repository), .text(permission.rawValue),
                    .integer(transaction.now()),
                ])
            return try transaction.existingSSHAccess(id, owner)
        }
    }

    /// The access keys of an owner, newest first.
    package func listAccess(
        to owner: SSHAccessOwner, page: PageRequest, by principal: Principal
    ) async throws -> Page<SSHAccess> {
        try await services.read { [settings = services.settings] transaction in
            try transaction.requireKeyAdmin(of: owner.tokenOwner, principal, settings)
            let sql = """
                SELECT \(SSHAccess.columns) FROM \(SSHAccess.source) WHERE \(owner.condition)
                ORDER BY a.id DESC LIMIT ? OFFSET ?
                """
            let found = try transaction.rows(sql, owner.arguments + page.overfetch).map(SSHAccess.init(row:))
            return Page(overfetched: found, request: page)
        }
    }

    /// One access key of an owner.
    /// - Throws: ``HostingError/noSuchKey(id:)``.
    package func getAccess(
        _ id: SSHKeyID, to owner: SSHAccessOwner, by principal: Principal
    ) async throws -> SSHAccess {
        try await services.read { [settings = services.settings] transaction in
            try transaction.requireKeyAdmin(of: owner.tokenOwner, principal, settings)
            return try transaction.existingSSHAccess(id, owner)
        }
    }

    /// Changes what an access key may do to its owner.
    package func setAccess(
        _ id: SSHKeyID, to owner: SSHAccessOwner, permission: Permission, by principal: Principal
    ) async throws -> SSHAccess {
        let permission = try owner.checked(permission)
        let access = try await services.write { [settings = services.settings] transaction in
            try transaction.requireKeyAdmin(of: owner.tokenOwner, principal, settings)
            _ = try transaction.existingSSHAccess(id, owner)
            let (project, repository) = owner.columns
            let sql = """
                UPDATE ssh_access SET permission = ? WHERE key_id = ?
                    AND COALESCE(project_id, 0) = ? AND COALESCE(repository_id, 0) = ?
                """
            try transaction.execute(
                sql, [.text(permission.rawValue), .id(id), .id(project ?? 0), .id(repository ?? 0)])
            return try transaction.existingSSHAccess(id, owner)
        }
        services.keyRevocations.announce([id])
        return access
    }

    /// Takes an access key away from its owner, and ends what was begun with it; one that is gone is fine.
    package func deleteAccess(_ id: SSHKeyID, to owner: SSHAccessOwner, by principal: Principal) async throws
    {
        let keys = try await services.write { [settings = services.settings] transaction in
            try transaction.requireKeyAdmin(of: owner.tokenOwner, principal, settings)
            return try transaction.deleteSSHAccess(
                where: "a.key_id = ? AND \(owner.condition)", [.id(id)] + owner.arguments)
        }
        services.keyRevocations.announce(keys)
    }
}

extension DatabaseTransaction {
    /// The key's access to the owner; nil when it has none.
    func sshAccess(_ id: SSHKeyID, _ owner: SSHAccessOwner) throws(DatabaseError) -> SSHAccess? {
        let sql = """
            SELECT \(SSHAccess.columns) FROM \(SSHAccess.source) WHERE a.key_id = ? AND \(owner.condition)
            """
        guard let row = try firstRow(sql, [.id(id)] + owner.arguments) else { return nil }
        return try SSHAccess(row: row)
    }

    /// The key's access to the owner, or the error that says there is none.
    func existingSSHAccess(_ id: SSHKeyID, _ owner: SSHAccessOwner) throws -> SSHAccess {
        guard let access = try sshAccess(id, owner) else { throw HostingError.noSuchKey(id: "\(id)") }
        return access
    }
}

extension SSHAccessOwner {
    /// Insists that a key can be given this here.
    fileprivate func checked(_ permission: Permission?) throws(HostingError) -> Permission {
        guard let permission else { return permissions[0] }
        guard permissions.contains(permission) else {
            throw .invalid(
                field: "permission",
                message: "\(permission.rawValue) cannot be given to an access key here. "
                    + "Use \(permissions.map(\.rawValue).joined(separator: " or ")).")
        }
        return permission
    }
}
