package import Portable
internal import SharedDatabase

/// The SSH keys by which git clients show who they are.
///
/// A user's keys are its own (and an ADMIN's) affair; the access keys of a project need PROJECT_ADMIN, those
/// of a repository REPO_ADMIN. Who is logged in by a token cannot register, change or list keys.
package struct SSHKeys: Sendable {
    let services: Services

    /// How the SSH door is reached, once it is open.
    package var server: SSHServerFacts { services.sshServer }

    /// Registers a key of a user.
    /// - Parameter label: What people call it; the key's comment when nil.
    /// - Parameter expiryDays: From 1 to 3650; nil = it does not expire.
    /// - Throws: ``HostingError/invalid(field:message:)`` for a key that is short, broken or of another kind;
    ///   ``HostingError/conflict(message:)`` for one that is registered already.
    package func add(
        _ text: String, label: String?, expiryDays: Int? = nil, for user: UserID, by principal: Principal
    ) async throws -> SSHKey {
        let key = try SSHPublicKey(text)
        let label = try Self.checked(label)
        try Self.check(expiryDays)
        return try await services.write(duplicate: Self.duplicate) {
            [settings = services.settings] transaction in
            try transaction.requireKeyAdmin(of: .user(user), principal, settings)
            guard try transaction.sshKey(fingerprint: key.fingerprint) == nil else { throw Self.duplicate }
            let id = try transaction.insertSSHKey(
                key, label: label, user: user, isAccess: false, expiryDays: expiryDays)
            return try transaction.existingSSHKey(id)
        }
    }

    /// The keys of a user, newest first.
    package func list(
        of user: UserID, page: PageRequest, by principal: Principal
    ) async throws -> Page<SSHKey> {
        try await services.read { [settings = services.settings] transaction in
            try transaction.requireKeyAdmin(of: .user(user), principal, settings)
            let sql = """
                SELECT \(SSHKey.columns) FROM \(SSHKey.source) WHERE k.user_id = ? AND k.is_access = 0
                ORDER BY k.id DESC LIMIT ? OFFSET ?
                """
            let keys = try transaction.rows(sql, [.id(user)] + page.overfetch).map(SSHKey.init(row:))
            return Page(overfetched: keys, request: page)
        }
    }

    /// One key of a user.
    /// - Throws: ``HostingError/noSuchKey(id:)``.
    package func get(_ id: SSHKeyID, by principal: Principal) async throws -> SSHKey {
        try await services.read { [settings = services.settings] transaction in
            try transaction.userKey(id, principal, settings)
        }
    }

    /// Takes a key of a user away, and ends what was begun with it.
    /// - Throws: ``HostingError/noSuchKey(id:)``.
    package func delete(_ id: SSHKeyID, by principal: Principal) async throws {
        try await services.write { [settings = services.settings] transaction in
            let key = try transaction.userKey(id, principal, settings)
            try transaction.execute("DELETE FROM ssh_key WHERE id = ?", [.id(key.id)])
        }
        services.keyRevocations.announce([id])
    }

    /// Takes all keys of a user away.
    package func deleteAll(of user: UserID, by principal: Principal) async throws {
        let keys = try await services.write { [settings = services.settings] transaction in
            try transaction.requireKeyAdmin(of: .user(user), principal, settings)
            let sql = "SELECT id FROM ssh_key WHERE user_id = ? AND is_access = 0"
            let ids = try transaction.rows(sql, [.id(user)]).map { try $0.id("id", as: SSHKeyID.self) }
            try transaction.execute(
                "DELETE FROM ssh_key WHERE user_id = ? AND is_access = 0", [.id(user)])
            return Set(ids)
        }
        services.keyRevocations.announce(keys)
    }

    static let duplicate = HostingError.conflict(
        message: "This SSH key is registered already. Use another key, or take it away there first.")

    static func checked(_ label: String?) throws(HostingError) -> String? {
        guard let label, !label.isEmpty else { return nil }
        return try NameRules.keyLabel(label)
    }

    private static func check(_ expiryDays: Int?) throws(HostingError) {
        if let expiryDays, !(1...3650).contains(expiryDays) {
            throw HostingError.invalid(
                field: "expiryDays", message: "A key expires after 1 to 3650 days. Choose such a number.")
        }
    }
}

extension DatabaseTransaction {
    /// As for tokens, with words for keys.
    func requireKeyAdmin(of owner: TokenOwner, _ principal: Principal, _ settings: HostingSettings) throws {
        guard principal.tokenGrant == nil else {
            throw HostingError.notAuthorised(
                permission: .licensedUser,
                message: "An access token cannot be used on SSH keys. Log in with a password.")
        }
        try requireAdmin(of: owner, principal, settings)
    }

    /// The key of this id, or the error that says there is none.
    func existingSSHKey(_ id: SSHKeyID) throws -> SSHKey {
        guard let key = try sshKey(id) else { throw HostingError.noSuchKey(id: "\(id)") }
        return key
    }

    /// A user's key, for somebody who may see it; for others there is none.
    func userKey(_ id: SSHKeyID, _ principal: Principal, _ settings: HostingSettings) throws -> SSHKey {
        try require(.licensedUser, principal, settings)
        let key = try existingSSHKey(id)
        guard !key.isAccessKey else { throw HostingError.noSuchKey(id: "\(id)") }
        if key.user.id != principal.user?.id {
            let rights = try permissionFacts(principal, settings: settings).effective
            guard rights.contains(.admin) else { throw HostingError.noSuchKey(id: "\(id)") }
        }
        try requireKeyAdmin(of: .user(key.user.id), principal, settings)
        return key
    }
}
