internal import Portable
internal import SharedDatabase

extension DatabaseTransaction {
    /// Stores a project whose values have been checked.
    /// - Parameter owner: Whose own it is; nil unless personal.
    func insertProject(
        key: String, name: String, description: String?, isPublic: Bool, owner: User?
    ) throws(DatabaseError) -> Project {
        let kind: ProjectKind = owner == nil ? .normal : .personal
        let now = try now()
        let sql = """
            INSERT INTO project (project_key, name, name_key, description, is_public, kind, owner_id,
                created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id
            """
        // Personal projects may be named alike; their keys are not.
        let nameKey = owner == nil ? NameRules.key(name) : key
        let id = try insert(
            sql,
            [
                .text(key), .text(name), .text(nameKey), .optional(description), .bool(isPublic),
                .text(kind.rawValue), .id(owner?.id), .integer(now),
            ])
        return Project(
            id: ProjectID(id), key: key, name: name, description: description, isPublic: isPublic, kind: kind,
            owner: owner, createdMilliseconds: now)
    }

    /// Insists that no other project has the key or the name.
    func requireFree(key: String?, name: String?, besides project: ProjectID?) throws {
        if let key, let other = try self.project(key: key), other.id != project {
            throw HostingError.duplicate(what: "project with the key", name: key)
        }
        guard let name else { return }
        let row = try firstRow("SELECT id FROM project WHERE name_key = ?", [.text(NameRules.key(name))])
        if let row, try row.id("id") != project { throw HostingError.duplicate(what: "project", name: name) }
    }

    /// Stores what changes in a project.
    func apply(_ change: ProjectChange, to project: Project) throws -> Project {
        var key = project.key
        if let wanted = change.key, Project.storedKey(wanted) != project.key {
            guard project.kind == .normal else {
                throw HostingError.invalid(
                    field: "key", message: "The key of a personal project follows its owner.")
            }
            key = try NameRules.projectKey(wanted)
        }
        let name = try change.name.map { try NameRules.projectName($0) } ?? project.name
        let description = try change.description.map { try NameRules.description($0) } ?? project.description
        try requireFree(key: key, name: project.kind == .normal ? name : nil, besides: project.id)
        if key != project.key { try addAliases(project: project.id, formerKey: project.key) }
        let sql = """
            UPDATE project SET project_key = ?, name = ?, name_key = ?, description = ?, is_public = ?
                WHERE id = ?
            """
        try execute(
            sql,
            [
                .text(key), .text(name), .text(project.kind == .normal ? NameRules.key(name) : key),
                .optional(description), .bool(change.isPublic ?? project.isPublic), .id(project.id),
            ])
        guard let changed = try self.project(id: project.id) else {
            throw HostingError.noSuchProject(key: project.key)
        }
        return changed
    }

    /// Removes a project with its grants and tokens, if it has no repositories.
    func deleteProject(id: ProjectID) throws {
        guard let project = try project(id: id) else { return }
        let count = try firstRow("SELECT COUNT(*) AS n FROM repository WHERE project_id = ?", [.id(id)])?
            .integer("n")
        if let count, count > 0 {
            throw HostingError.notEmpty(project: project.key, repositories: Int(clamping: count))
        }
        try deleteTokens(where: "t.project_id = ?", [.id(id)])
        try deleteSSHAccess(where: "a.project_id = ?", [.id(id)])
        try execute("DELETE FROM project WHERE id = ?", [.id(id)])
    }

    /// Makes the repositories of a project be found under its former key too.
    func addAliases(project: ProjectID, formerKey: String) throws(DatabaseError) {
        let sql = """
            INSERT INTO repository_alias (project_key, slug, repository_id)
            SELECT ?, r.slug, r.id FROM repository AS r WHERE r.project_id = ?
            ON CONFLICT (project_key, slug) DO UPDATE SET repository_id = excluded.repository_id
            """
        try execute(sql, [.text(formerKey), .id(project)])
    }
}
