internal import Portable
internal import SharedDatabase

extension Project {
    /// What to select for ``init(row:)`` from ``source``.
    static let columns = """
        p.id AS p_id, p.project_key AS p_key, p.name AS p_name, p.description AS p_description, \
        p.is_public AS p_is_public, p.kind AS p_kind, p.created_at AS p_created_at, \(User.columns)
        """

    /// Where ``columns`` come from.
    static let source = "project AS p LEFT JOIN app_user AS u ON u.id = p.owner_id"

    /// The project of a row selected with ``columns``.
    init(row: DatabaseRow) throws(DatabaseError) {
        id = try row.id("p_id")
        key = try row.text("p_key")
        name = try row.text("p_name")
        description = try row.optionalText("p_description")
        isPublic = try row.bool("p_is_public")
        kind = ProjectKind(rawValue: try row.text("p_kind")) ?? .normal
        owner = try User.optional(row: row)
        createdMilliseconds = try row.integer("p_created_at")
    }

    /// The form in which keys are stored: upper case, personal ones in lower case.
    static func storedKey(_ key: String) -> String {
        key.hasPrefix("~") ? NameRules.key(key) : NameRules.key(key).uppercased()
    }
}

extension DatabaseTransaction {
    /// The project of this key, without regard to case.
    func project(key: String) throws(DatabaseError) -> Project? {
        let sql = "SELECT \(Project.columns) FROM \(Project.source) WHERE p.project_key = ?"
        guard let row = try firstRow(sql, [.text(Project.storedKey(key))]) else { return nil }
        return try Project(row: row)
    }

    /// The project of this id.
    func project(id: ProjectID) throws(DatabaseError) -> Project? {
        let sql = "SELECT \(Project.columns) FROM \(Project.source) WHERE p.id = ?"
        guard let row = try firstRow(sql, [.id(id)]) else { return nil }
        return try Project(row: row)
    }
}
