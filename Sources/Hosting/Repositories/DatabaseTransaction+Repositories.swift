internal import ClusterServices
internal import Portable
internal import SharedDatabase

extension DatabaseTransaction {
    /// Stores a repository whose values have been checked, in state INITIALISING.
    func insertRepository(
        _ new: NewRepository, slug: String, in project: Project, node: NodeID
    ) throws(DatabaseError) -> Repository {
        try execute(
            "DELETE FROM repository_alias WHERE project_key = ? AND slug = ?",
            [.text(project.key), .text(slug)])
        let now = try now()
        let hierarchy = SecretDigest.randomHex(bytes: 10)
        let sql = """
            INSERT INTO repository (project_id, slug, name, name_key, description, is_public,
                is_forkable, is_archived,
                state, hierarchy_id, creating_node, created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?) RETURNING id
            """
        let id = try insert(
            sql,
            [
                .id(project.id), .text(slug), .text(new.name), .text(NameRules.key(new.name)),
                .optional(new.description), .bool(new.isPublic), .bool(new.isForkable),
                .text(RepositoryState.initialising.rawValue), .text(hierarchy), .text(node.rawValue),
                .integer(now),
            ])
        return Repository(
            id: RepositoryID(id), slug: slug, name: new.name, description: new.description, project: project,
            isPublic: new.isPublic, isForkable: new.isForkable, isArchived: false, state: .initialising,
            hierarchyID: hierarchy, createdMilliseconds: now)
    }

    /// Stores a repository's changed values; an address that it leaves redirects to it.
    func update(
        _ repository: Repository, name: String, slug: String, project: Project, description: String?,
        _ change: RepositoryChange
    ) throws -> Repository {
        if slug != repository.slug || project.id != repository.project.id {
            guard try self.repository(projectKey: project.key, slug: slug) == nil else {
                throw HostingError.duplicate(what: "repository", name: name)
            }
            try execute(
                "DELETE FROM repository_alias WHERE project_key = ? AND slug = ?",
                [.text(project.key), .text(slug)])
            let sql = """
                INSERT INTO repository_alias (project_key, slug, repository_id) VALUES (?, ?, ?)
                ON CONFLICT (project_key, slug) DO UPDATE SET repository_id = excluded.repository_id
                """
            try execute(sql, [.text(repository.project.key), .text(repository.slug), .id(repository.id)])
        }
        let sql = """
            UPDATE repository SET project_id = ?, slug = ?, name = ?, name_key = ?, description = ?,
                is_public = ?,
                is_forkable = ?, is_archived = ? WHERE id = ?
            """
        try execute(
            sql,
            [
                .id(project.id), .text(slug), .text(name), .text(NameRules.key(name)), .optional(description),
                .bool(change.isPublic ?? repository.isPublic),
                .bool(change.isForkable ?? repository.isForkable),
                .bool(change.isArchived ?? repository.isArchived), .id(repository.id),
            ])
        return try existing(repository)
    }

    /// Removes a repository's row with its grants, tokens and addresses, and notes that its folder is to go.
    func remove(_ repository: Repository) throws {
        try deleteTokens(where: "t.repository_id = ?", [.id(repository.id)])
        try deleteSSHAccess(where: "a.repository_id = ?", [.id(repository.id)])
        try forgetFences(namespace: Refs.fenceNamespace(of: repository.id))
        try execute("DELETE FROM repository WHERE id = ?", [.id(repository.id)])
        try execute(
            "INSERT INTO repository_removal (repository_id, removed_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [.id(repository.id), .integer(now())])
    }
}
