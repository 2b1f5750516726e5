internal import GitStore
internal import Logging
package import Portable
package import SharedDatabase

/// What a mirror does to its copy of the upstream's projects and repositories. Nobody is asked for
/// permission.
extension Repositories {
    /// All repositories that can be used, with their default branches not looked at; on the upstream.
    /// - Parameter projects: Only those of these projects; nil gives all.
    package func all(in projects: Set<ProjectID>? = nil) async throws -> [Repository] {
        try await services.read { transaction in
            let rows = try transaction.rows(
                "SELECT \(Repository.columns) FROM \(Repository.source) WHERE r.state = 'AVAILABLE' "
                    + "ORDER BY p.id, r.id")
            return try rows.map(Repository.init(row:)).filter { projects?.contains($0.project.id) ?? true }
        }
    }

    /// Every repository of the mirror, also those that have nothing yet.
    package func mirrored() async throws -> [Repository] {
        try await services.read { transaction in
            try transaction.rows(
                "SELECT \(Repository.columns) FROM \(Repository.source) ORDER BY r.id"
            ).map(Repository.init(row:))
        }
    }

    /// Stores what the upstream says of some projects and repositories: makes, renames and moves them. Each
    /// new repository is being created until ``markMirrored(_:)``; names may change places.
    package func follow(
        projects: [MirroredProject], repositories: [MirroredRepository]
    ) async throws {
        try await services.write { transaction in
            for project in projects { try transaction.makeWay(for: project) }
            for project in projects { try transaction.store(project) }
            for repository in repositories { try transaction.makeWay(for: repository) }
            for repository in repositories { try transaction.store(repository) }
        }
        await Failpoint.mirrorRows.pass(services.layout)
        try await services.git.make(
            repositories.compactMap { repository in
                guard let branch = try? RefName(repository.defaultBranch), branch.isBranch else { return nil }
                return GitStore.Copy(path: services.layout.repository(repository.id), head: branch)
            })
        await Failpoint.mirrorFolders.pass(services.layout)
    }

    /// Those of the repositories whose folders are gone or incomplete, as a power cut leaves them.
    package func incomplete(_ ids: [RepositoryID]) async throws -> [RepositoryID] {
        let areIncomplete = try await services.git.areIncomplete(ids.map { services.layout.repository($0) })
        return zip(ids, areIncomplete).filter(\.1).map(\.0)
    }

    /// Says that repositories have lost their content, so that they are not served until
    /// ``markMirrored(_:)``.
    package func markLost(_ ids: [RepositoryID]) async throws {
        try await services.write { transaction in
            for id in ids {
                try transaction.enqueue(
                    "UPDATE repository SET state = 'INITIALISING' WHERE id = ?", [.id(id)])
            }
        }
    }

    /// Raises `mirror:repo_synchronized` on the upstream: the whole of a mirror shows a change.
    /// - Parameter changes: nil when they are too many to list, or nobody knows them.
    /// - Source: Bitbucket Server's webhooks, "Mirror synchronized".
    package func announceSynchronized(
        _ id: RepositoryID, mirror: String, named name: String, changes: [RefChange]?
    ) async throws {
        let facts = Self.synchronized(mirror: mirror, named: name, changes: changes)
        try await services.change(durability: .process, changesAccess: false) { [services] transaction in
            guard let repository = try transaction.repository(id: id) else { return }
            try services.announceSynchronized(repository, facts, in: transaction)
        }
    }

    /// Raises `mirror:repo_synchronized` for repositories whose changes nobody has listed.
    /// - Parameter take: Says which, in the transaction in which their events are written.
    /// - Returns: How many it named.
    package func announceSynchronized(
        mirror: String, named name: String,
        _ take: @escaping @Sendable (DatabaseTransaction) throws -> [RepositoryID]
    ) async throws -> Int {
        let facts = Self.synchronized(mirror: mirror, named: name, changes: nil)
        return try await services.change(durability: .process, changesAccess: false) {
            [services] transaction in
            let ids = try take(transaction)
            for id in ids {
                guard let repository = try transaction.repository(id: id) else { continue }
                try services.announceSynchronized(repository, facts, in: transaction)
            }
            return ids.count
        }
    }

    private static func synchronized(
        mirror: String, named name: String, changes: [RefChange]?
    ) -> [String: PortableValue] {
        [
            "mirrorServer": ["id": .string(mirror), "name": .string(name)],
            "syncType": .string(changes == nil ? "snapshot" : "incremental"),
            "refLimitExceeded": .bool(changes == nil),
            "changes": .list((changes ?? []).map { $0.portable() }),
        ]
    }

    /// Says that a repository has its content, so that it is served.
    package func markMirrored(_ id: RepositoryID) async throws {
        try await services.write(changesAccess: false) { transaction in
            try transaction.execute(
                "UPDATE repository SET state = 'AVAILABLE' WHERE id = ? AND state <> 'AVAILABLE'", [.id(id)])
        }
    }

    /// Removes repositories that the upstream no longer has, or that are no longer mirrored, and projects
    /// that are then empty.
    package func forget(_ ids: [RepositoryID]) async throws {
        try await services.write { transaction in
            for id in ids {
                if let repository = try transaction.repository(id: id) { try transaction.remove(repository) }
            }
            try transaction.execute(
                """
                DELETE FROM project WHERE NOT EXISTS (
                    SELECT 1 FROM repository AS r WHERE r.project_id = project.id)
                """)
        }
        for id in ids { await removeFolder(id) }
    }
}

extension DatabaseTransaction {
    /// Takes the key and name away from other projects, which get theirs right afterwards.
    fileprivate func makeWay(for project: MirroredProject) throws {
        try enqueue(
            """
            UPDATE project SET project_key = '~~' || id, name_key = '~~' || id
            WHERE id <> ? AND (project_key = ? OR name_key = ?)
            """, [.id(project.id), .text(project.key), .text(project.nameKey)])
    }

    fileprivate func store(_ project: MirroredProject) throws {
        if let known = try self.project(id: project.id), known.key != project.key {
            try addAliases(project: project.id, formerKey: known.key)
        }
        try enqueue(
            """
            INSERT INTO project (id, project_key, name, name_key, description, is_public, kind, owner_id,
                created_at) VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?)
            ON CONFLICT (id) DO UPDATE SET project_key = excluded.project_key, name = excluded.name,
                name_key = excluded.name_key, description = excluded.description,
                is_public = excluded.is_public, kind = excluded.kind
            """,
            [
                .id(project.id), .text(project.key), .text(project.name), .text(project.nameKey),
                .optional(project.description), .bool(project.isPublic),
                .text((project.isPersonal ? ProjectKind.personal : .normal).rawValue),
                .integer(project.createdMilliseconds),
            ])
    }

    /// Takes the address away from another repository, which gets its own right afterwards.
    fileprivate func makeWay(for repository: MirroredRepository) throws {
        try enqueue(
            "UPDATE repository SET slug = '~~' || id WHERE id <> ? AND project_id = ? AND slug = ?",
            [.id(repository.id), .id(repository.project), .text(repository.slug)])
    }

    fileprivate func store(_ repository: MirroredRepository) throws {
        let known = try self.repository(id: repository.id)
        if let known, known.slug != repository.slug || known.project.id != repository.project,
            !known.slug.hasPrefix("~~")
        {
            try enqueue(
                """
                INSERT INTO repository_alias (project_key, slug, repository_id) VALUES (?, ?, ?)
                ON CONFLICT (project_key, slug) DO UPDATE SET repository_id = excluded.repository_id
                """, [.text(known.project.key), .text(known.slug), .id(repository.id)])
        }
        try enqueue(
            """
            INSERT INTO repository (id, project_id, slug, name, name_key, description, is_public,
                is_forkable, is_archived, state, hierarchy_id, creating_node, created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'INITIALISING', ?, '', ?)
            ON CONFLICT (id) DO UPDATE SET project_id = excluded.project_id, slug = excluded.slug,
                name = excluded.name, name_key = excluded.name_key, description = excluded.description,
                is_public = excluded.is_public, is_forkable = excluded.is_forkable,
                is_archived = excluded.is_archived
            """,
            [
                .id(repository.id), .id(repository.project), .text(repository.slug), .text(repository.name),
                .text(NameRules.key(repository.name)), .optional(repository.description),
                .bool(repository.isPublic), .bool(repository.isForkable), .bool(repository.isArchived),
                .text(repository.hierarchyID), .integer(repository.createdMilliseconds),
            ])
        guard let key = try self.project(id: repository.project)?.key else { return }
        try enqueue(
            "DELETE FROM repository_alias WHERE project_key = ? AND slug = ?",
            [.text(key), .text(repository.slug)])
    }
}

extension MirroredProject {
    /// Personal projects may be named alike; their keys are not.
    fileprivate var nameKey: String { isPersonal ? key : NameRules.key(name) }
}
