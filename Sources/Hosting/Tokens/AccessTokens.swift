package import Portable
internal import SharedDatabase

/// Secrets that stand for a password with fewer rights.
///
/// A user's tokens are its own (and an ADMIN's) affair; a project's need PROJECT_ADMIN, a repository's
/// REPO_ADMIN. Who is logged in by a token cannot make, change or list tokens.
package struct AccessTokens: Sendable {
    let services: Services

    /// What every secret begins with, so that it is recognised in a password's place and in leaked text.
    package static let prefix = "pgt_"

    /// Makes a token; the answer alone has its secret.
    /// - Parameter permissions: Of project or repository level that fit the owner; empty = only what every
    ///   user may.
    /// - Parameter expiryDays: From 1 to 3650; nil = it does not expire.
    /// - Throws: ``HostingError/duplicate(what:name:)``, ``HostingError/invalid(field:message:)``.
    package func create(
        owner: TokenOwner, name: String, permissions: [Permission], expiryDays: Int?, by principal: Principal
    ) async throws -> CreatedAccessToken {
        let name = try NameRules.tokenName(name)
        try owner.check(permissions)
        if let expiryDays, !(1...3650).contains(expiryDays) {
            throw HostingError.invalid(
                field: "expiryDays", message: "A token expires after 1 to 3650 days. Choose such a number.")
        }
        let secret = Self.prefix + SecretDigest.randomText(bytes: 32)
        let duplicate = HostingError.duplicate(what: "token", name: name)
        let token = try await services.write(duplicate: duplicate, changesAccess: false) {
            [settings = services.settings] transaction in
            try transaction.requireAdmin(of: owner, principal, settings)
            let now = try transaction.now()
            let holder = try transaction.tokenHolder(for: owner, name: name)
            let (projectID, repositoryID) = owner.columns
            let sql = """
                INSERT INTO access_token (name, secret_hash, user_id, project_id, repository_id, permissions,
                    created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id
                """
            let expires = expiryDays.map { now + Int64($0) * 86_400_000 }
            let id = try transaction.insert(
                sql,
                [
                    .text(name), .text(SecretDigest.hash(secret)), .id(holder), .id(projectID),
                    .id(repositoryID),
                    .text(permissions.stored), .integer(now), .optional(expires),
                ])
            return try transaction.existingToken(AccessTokenID(id), owner: owner)
        }
        return CreatedAccessToken(token: token, secretText: secret)
    }

    /// The owner's tokens, newest first.
    package func list(
        owner: TokenOwner, page: PageRequest, by principal: Principal
    ) async throws -> Page<AccessToken> {
        try await services.read { [settings = services.settings] transaction in
            try transaction.requireAdmin(of: owner, principal, settings)
            let sql = """
                SELECT \(AccessToken.columns) FROM \(AccessToken.source) WHERE \(owner.condition)
                ORDER BY t.id DESC LIMIT ? OFFSET ?
                """
            let tokens = try transaction.rows(sql, owner.arguments + page.overfetch).map(
                AccessToken.init(row:))
            return Page(overfetched: tokens, request: page)
        }
    }

    /// One token of the owner.
    /// - Throws: ``HostingError/noSuchToken(id:)``.
    package func get(
        _ id: AccessTokenID, owner: TokenOwner, by principal: Principal
    ) async throws -> AccessToken {
        try await services.read { [settings = services.settings] transaction in
            try transaction.requireAdmin(of: owner, principal, settings)
            return try transaction.existingToken(id, owner: owner)
        }
    }

    /// Changes name or permissions of a token; nil leaves as is.
    package func update(
        _ id: AccessTokenID, owner: TokenOwner, name: String?, permissions: [Permission]?,
        by principal: Principal
    ) async throws -> AccessToken {
        let name = try name.map { try NameRules.tokenName($0) }
        if let permissions { try owner.check(permissions) }
        let duplicate = HostingError.duplicate(what: "token", name: name ?? "")
        return try await services.write(duplicate: duplicate) { [settings = services.settings] transaction in
            try transaction.requireAdmin(of: owner, principal, settings)
            let token = try transaction.existingToken(id, owner: owner)
            try transaction.execute(
                "UPDATE access_token SET name = ?, permissions = ? WHERE id = ?",
                [.text(name ?? token.name), .text((permissions ?? token.permissions).stored), .id(id)])
            return try transaction.existingToken(id, owner: owner)
        }
    }

    /// Ends a token at once; one that is gone is fine.
    package func delete(_ id: AccessTokenID, owner: TokenOwner, by principal: Principal) async throws {
        try await services.write { [settings = services.settings] transaction in
            try transaction.requireAdmin(of: owner, principal, settings)
            try transaction.deleteTokens(
                where: "t.id = ? AND \(owner.condition)", [.id(id)] + owner.arguments)
        }
    }
}

extension [Permission] {
    /// The names, separated by commas.
    fileprivate var stored: String { map(\.rawValue).joined(separator: ",") }
}
