internal import Portable
internal import SharedDatabase

extension SSHKey {
    /// What to select for ``init(row:)`` from ``source``.
    static let columns = """
        k.id AS k_id, k.fingerprint AS k_fingerprint, k.key_text AS k_key_text, k.label AS k_label, \
        k.algorithm AS k_algorithm, k.bit_length AS k_bit_length, k.is_access AS k_is_access, \
        k.created_at AS k_created_at, k.expires_at AS k_expires_at, k.last_used_at AS k_last_used_at, \
        \(User.columns)
        """

    /// Where ``columns`` come from.
    static let source = "ssh_key AS k JOIN app_user AS u ON u.id = k.user_id"

    /// The key of a row selected with ``columns``.
    init(row: DatabaseRow) throws(DatabaseError) {
        id = try row.id("k_id")
        user = try User(row: row)
        isAccessKey = try row.bool("k_is_access")
        label = try row.optionalText("k_label")
        text = try row.text("k_key_text")
        algorithm = try row.text("k_algorithm")
        bitLength = Int(clamping: try row.integer("k_bit_length"))
        fingerprint = try row.text("k_fingerprint")
        createdMilliseconds = try row.integer("k_created_at")
        expiresMilliseconds = try row.optionalInteger("k_expires_at")
        lastAuthenticatedMilliseconds = try row.optionalInteger("k_last_used_at")
    }
}

extension SSHAccess {
    /// What to select for ``init(row:)`` from ``source``.
    static let columns = """
        a.project_id AS a_project_id, a.repository_id AS a_repository_id, a.permission AS a_permission, \
        \(SSHKey.columns)
        """

    /// Where ``columns`` come from.
    static let source =
        "ssh_access AS a JOIN ssh_key AS k ON k.id = a.key_id JOIN app_user AS u ON u.id = k.user_id"

    /// The access of a row selected with ``columns``.
    init(row: DatabaseRow) throws(DatabaseError) {
        key = try SSHKey(row: row)
        permission = Permission(rawValue: try row.text("a_permission")) ?? .repoRead
        if let project = try row.optionalID("a_project_id", as: ProjectID.self) {
            owner = .project(project)
        } else {
            owner = .repository(try row.id("a_repository_id"))
        }
    }
}

extension SSHAccessOwner {
    /// The rows of `ssh_access AS a` of this owner, with ``arguments``.
    var condition: String {
        switch self {
        case .project: "a.project_id = ?"
        case .repository: "a.repository_id = ?"
        }
    }

    /// What ``condition`` needs.
    var arguments: [DatabaseValue] {
        switch self {
        case .project(let id): [.id(id)]
        case .repository(let id): [.id(id)]
        }
    }

    /// The ids to store: project, repository.
    var columns: (ProjectID?, RepositoryID?) {
        switch self {
        case .project(let id): (id, nil)
        case .repository(let id): (nil, id)
        }
    }

    /// The same as the owner of tokens, whose rules of administration hold for keys too.
    var tokenOwner: TokenOwner {
        switch self {
        case .project(let id): .project(id)
        case .repository(let id): .repository(id)
        }
    }

    /// What a key can be given here.
    var permissions: [Permission] {
        switch self {
        case .project: [.projectRead, .projectWrite]
        case .repository: [.repoRead, .repoWrite]
        }
    }
}

extension DatabaseTransaction {
    /// The key of this fingerprint, or of this id.
    func sshKey(fingerprint: String) throws(DatabaseError) -> SSHKey? {
        try sshKey(where: "k.fingerprint = ?", [.text(fingerprint)])
    }

    /// The key of this id.
    func sshKey(_ id: SSHKeyID) throws(DatabaseError) -> SSHKey? { try sshKey(where: "k.id = ?", [.id(id)]) }

    private func sshKey(
        where condition: String, _ arguments: [DatabaseValue]
    ) throws(DatabaseError) -> SSHKey? {
        let sql = "SELECT \(SSHKey.columns) FROM \(SSHKey.source) WHERE \(condition)"
        guard let row = try firstRow(sql, arguments) else { return nil }
        return try SSHKey(row: row)
    }

    /// Stores a key.
    func insertSSHKey(
        _ key: SSHPublicKey, label: String?, user: UserID, isAccess: Bool, expiryDays: Int?
    ) throws(DatabaseError) -> SSHKeyID {
        let now = try now()
        let sql = """
            INSERT INTO ssh_key (fingerprint, key_text, label, algorithm, bit_length, user_id, is_access,
                created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id
            """
        return SSHKeyID(
            try insert(
                sql,
                [
                    .text(key.fingerprint), .text(key.text), .optional(label ?? key.comment),
                    .text(key.algorithm), .integer(Int64(key.bitLength)), .id(user), .bool(isAccess),
                    .integer(now), .optional(expiryDays.map { now + Int64($0) * 86_400_000 }),
                ]))
    }

    /// Takes access keys `a` away; keys that open nothing any more go, with their service users.
    /// - Returns: The keys that were given there.
    @discardableResult
    func deleteSSHAccess(
        where condition: String, _ arguments: [DatabaseValue]
    ) throws(DatabaseError) -> Set<SSHKeyID> {
        let rows = try rows(
            "SELECT a.id AS id, a.key_id AS key_id FROM ssh_access AS a WHERE \(condition)", arguments)
        var keys: Set<SSHKeyID> = []
        for row in rows {
            try execute("DELETE FROM ssh_access WHERE id = ?", [.integer(row.integer("id"))])
            keys.insert(try row.id("key_id"))
        }
        for key in keys {
            guard try firstRow("SELECT id FROM ssh_access WHERE key_id = ? LIMIT 1", [.id(key)]) == nil,
                let user = try sshKey(key)?.user
            else { continue }
            try execute("DELETE FROM ssh_key WHERE id = ?", [.id(key)])
            try execute("DELETE FROM app_user WHERE id = ? AND kind = 'SERVICE'", [.id(user.id)])
        }
        return keys
    }
}
