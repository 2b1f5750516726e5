internal import Portable
internal import SharedDatabase

extension Repository {
    /// What to select for ``init(row:)`` from ``source``.
    static let columns = """
        r.id AS r_id, r.slug AS r_slug, r.name AS r_name, r.description AS r_description, \
        r.is_public AS r_is_public, r.is_forkable AS r_is_forkable, r.is_archived AS r_is_archived, \
        r.state AS r_state, r.hierarchy_id AS r_hierarchy_id, r.created_at AS r_created_at, \(Project.columns)
        """

    /// Where ``columns`` come from.
    static let source =
        "repository AS r JOIN project AS p ON p.id = r.project_id "
        + "LEFT JOIN app_user AS u ON u.id = p.owner_id"

    /// The repository of a row selected with ``columns``.
    init(row: DatabaseRow) throws(DatabaseError) {
        id = try row.id("r_id")
        slug = try row.text("r_slug")
        name = try row.text("r_name")
        description = try row.optionalText("r_description")
        project = try Project(row: row)
        isPublic = try row.bool("r_is_public")
        isForkable = try row.bool("r_is_forkable")
        isArchived = try row.bool("r_is_archived")
        state = RepositoryState(rawValue: try row.text("r_state")) ?? .initialisationFailed
        hierarchyID = try row.text("r_hierarchy_id")
        createdMilliseconds = try row.integer("r_created_at")
    }
}

extension DatabaseTransaction {
    /// The repository at this address, without regard to case; nil also for an address from before a rename.
    func repository(projectKey: String, slug: String) throws(DatabaseError) -> Repository? {
        let sql =
            "SELECT \(Repository.columns) FROM \(Repository.source) WHERE p.project_key = ? AND r.slug = ?"
        let arguments: [DatabaseValue] = [.text(Project.storedKey(projectKey)), .text(NameRules.key(slug))]
        guard let row = try firstRow(sql, arguments) else { return nil }
        return try Repository(row: row)
    }

    /// The repository that had this address before it was renamed or moved.
    func repository(formerProjectKey: String, slug: String) throws(DatabaseError) -> Repository? {
        let sql = """
            SELECT \(Repository.columns) FROM \(Repository.source) JOIN repository_alias AS a ON
                a.repository_id = r.id
            WHERE a.project_key = ? AND a.slug = ?
            """
        let arguments: [DatabaseValue] = [
            .text(Project.storedKey(formerProjectKey)), .text(NameRules.key(slug)),
        ]
        guard let row = try firstRow(sql, arguments) else { return nil }
        return try Repository(row: row)
    }

    /// The repository of this id.
    func repository(id: RepositoryID) throws(DatabaseError) -> Repository? {
        let sql = "SELECT \(Repository.columns) FROM \(Repository.source) WHERE r.id = ?"
        guard let row = try firstRow(sql, [.id(id)]) else { return nil }
        return try Repository(row: row)
    }

    /// The repository as it is now, or the error that says it is gone.
    func existing(_ repository: Repository) throws -> Repository {
        guard let current = try self.repository(id: repository.id) else {
            throw HostingError.noSuchRepository(project: repository.project.key, slug: repository.slug)
        }
        return current
    }
}
