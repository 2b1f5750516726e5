internal import Portable
internal import SharedDatabase

extension AccessToken {
    /// What to select for ``init(row:)`` from ``source``.
    static let columns = """
        t.id AS t_id, t.name AS t_name, t.project_id AS t_project_id, t.repository_id AS t_repository_id, \
        t.permissions AS t_permissions, t.created_at AS t_created_at, t.expires_at AS t_expires_at, \
        t.last_used_at AS t_last_used_at, \(User.columns)
        """

    /// Where ``columns`` come from.
    static let source = "access_token AS t JOIN app_user AS u ON u.id = t.user_id"

    /// The token of a row selected with ``columns``.
    init(row: DatabaseRow) throws(DatabaseError) {
        user = try User(row: row)
        if let project = try row.optionalID("t_project_id", as: ProjectID.self) {
            owner = .project(project)
        } else if let repository = try row.optionalID("t_repository_id", as: RepositoryID.self) {
            owner = .repository(repository)
        } else {
            owner = .user(user.id)
        }
        id = try row.id("t_id")
        name = try row.text("t_name")
        permissions = try row.text("t_permissions").split(separator: ",").compactMap {
            Permission(rawValue: String($0))
        }
        createdMilliseconds = try row.integer("t_created_at")
        expiresMilliseconds = try row.optionalInteger("t_expires_at")
        lastAuthenticatedMilliseconds = try row.optionalInteger("t_last_used_at")
    }
}

extension DatabaseTransaction {
    /// The token whose secret has this hash.
    func accessToken(secretHash: String) throws(DatabaseError) -> AccessToken? {
        let sql = "SELECT \(AccessToken.columns) FROM \(AccessToken.source) WHERE t.secret_hash = ?"
        guard let row = try firstRow(sql, [.text(secretHash)]) else { return nil }
        return try AccessToken(row: row)
    }

    /// The owner's token of this id, or the error that says there is none.
    func existingToken(_ id: AccessTokenID, owner: TokenOwner) throws -> AccessToken {
        let sql =
            "SELECT \(AccessToken.columns) FROM \(AccessToken.source) WHERE t.id = ? AND \(owner.condition)"
        guard let row = try firstRow(sql, [.id(id)] + owner.arguments) else {
            throw HostingError.noSuchToken(id: "\(id)")
        }
        return try AccessToken(row: row)
    }

    /// Insists that the principal may see and change the owner's tokens.
    func requireAdmin(of owner: TokenOwner, _ principal: Principal, _ settings: HostingSettings) throws {
        // Else a leaked token with few rights could make itself one with more, or one that outlives it.
        guard principal.tokenGrant == nil else {
            throw HostingError.notAuthorised(
                permission: .licensedUser,
                message: "An access token cannot be used on access tokens. Log in with a password.")
        }
        switch owner {
        case .user(let id):
            if principal.user?.id == id {
                try require(.licensedUser, principal, settings)
            } else {
                try requireAdmin(over: isSysadmin(id), principal, settings)
            }
        case .project(let id): try requireAdmin(of: PermissionScope.project(id), principal, settings)
        case .repository(let id): try requireAdmin(of: PermissionScope.repository(id), principal, settings)
        }
    }

    /// As whom the holder of a token acts: its owner, or a service user made for it.
    func tokenHolder(for owner: TokenOwner, name: String) throws -> UserID {
        if case .user(let id) = owner {
            guard try user(id: id) != nil else { throw HostingError.noSuchUser(name: "\(id)") }
            return id
        }
        let service = NewUser(
            name: "access-token-" + SecretDigest.randomHex(bytes: 8), displayName: name, emailAddress: nil,
            password: nil, joinsDefaultGroup: false)
        return try insertUser(service, kind: .service, passwordHash: nil).id
    }

    /// Removes tokens `t`, and the service users that were made for them.
    func deleteTokens(where condition: String, _ arguments: [DatabaseValue]) throws(DatabaseError) {
        let rows = try rows(
            "SELECT t.id AS id, t.user_id AS user_id FROM access_token AS t WHERE \(condition)", arguments)
        for row in rows {
            try execute("DELETE FROM access_token WHERE id = ?", [.integer(row.integer("id"))])
            try execute(
                "DELETE FROM app_user WHERE id = ? AND kind = 'SERVICE'", [.integer(row.integer("user_id"))])
        }
    }
}

extension TokenOwner {
    /// The ids to store: project, repository.
    var columns: (ProjectID?, RepositoryID?) {
        switch self {
        case .user: (nil, nil)
        case .project(let id): (id, nil)
        case .repository(let id): (nil, id)
        }
    }

    /// The rows of `access_token AS t` of this owner, with ``arguments``.
    var condition: String {
        switch self {
        case .user: "t.user_id = ? AND t.project_id IS NULL AND t.repository_id IS NULL"
        case .project: "t.project_id = ?"
        case .repository: "t.repository_id = ?"
        }
    }

    /// What ``condition`` needs.
    var arguments: [DatabaseValue] {
        switch self {
        case .user(let id): [.id(id)]
        case .project(let id): [.id(id)]
        case .repository(let id): [.id(id)]
        }
    }

    /// Insists that tokens of this owner can have these permissions.
    func check(_ permissions: [Permission]) throws(HostingError) {
        let levels: [PermissionLevel] =
            switch self {
            case .user, .project: [.project, .repository]
            case .repository: [.repository]
            }
        for permission in permissions where !levels.contains(permission.level) || !permission.isGrantable {
            let fits = Permission.allCases.filter { levels.contains($0.level) && $0.isGrantable }.map(
                \.rawValue)
            throw .invalid(
                field: "permissions",
                message: "\(permission.rawValue) cannot be given to this token. "
                    + "Use some of \(fits.joined(separator: ", ")).")
        }
    }
}
