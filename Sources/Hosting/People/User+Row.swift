internal import Portable
internal import SharedDatabase

extension User {
    /// What to select for ``init(row:)`` from `app_user AS u`.
    static let columns = """
        u.id AS u_id, u.name AS u_name, u.slug AS u_slug, u.display_name AS u_display_name, \
        u.email_address AS u_email_address, u.active AS u_active, u.kind AS u_kind, u.created_at AS
            u_created_at
        """

    /// The user of a row selected with ``columns``.
    init(row: DatabaseRow) throws(DatabaseError) {
        id = try row.id("u_id")
        name = try row.text("u_name")
        slug = try row.text("u_slug")
        displayName = try row.text("u_display_name")
        emailAddress = try row.optionalText("u_email_address")
        active = try row.bool("u_active")
        kind = UserKind(rawValue: try row.text("u_kind")) ?? .normal
        createdMilliseconds = try row.integer("u_created_at")
    }

    /// The user of an outer join, nil when nobody was joined.
    static func optional(row: DatabaseRow) throws(DatabaseError) -> User? {
        try row.optionalInteger("u_id") == nil ? nil : User(row: row)
    }
}

extension DatabaseTransaction {
    /// The user of this name, without regard to case.
    func user(name: String) throws(DatabaseError) -> User? {
        let sql = "SELECT \(User.columns) FROM app_user AS u WHERE u.name_key = ?"
        guard let row = try firstRow(sql, [.text(NameRules.key(name))]) else { return nil }
        return try User(row: row)
    }

    /// The user of this id.
    func user(id: UserID) throws(DatabaseError) -> User? {
        let sql = "SELECT \(User.columns) FROM app_user AS u WHERE u.id = ?"
        guard let row = try firstRow(sql, [.id(id)]) else { return nil }
        return try User(row: row)
    }

    /// The user of this name, or the error that says there is none.
    func existingUser(name: String) throws -> User {
        guard let user = try user(name: name) else { throw HostingError.noSuchUser(name: name) }
        return user
    }

    /// The group of this name, without regard to case.
    func group(name: String) throws(DatabaseError) -> Group? {
        let sql = "SELECT id, name FROM app_group WHERE name_key = ?"
        guard let row = try firstRow(sql, [.text(NameRules.key(name))]) else { return nil }
        return Group(id: try row.id("id"), name: try row.text("name"))
    }

    /// The group of this name, or the error that says there is none.
    func existingGroup(name: String) throws -> Group {
        guard let group = try group(name: name) else { throw HostingError.noSuchGroup(name: name) }
        return group
    }
}
