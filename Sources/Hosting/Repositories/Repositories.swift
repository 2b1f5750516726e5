package import Portable
internal import SharedDatabase

/// The repositories of this server.
package struct Repositories: Sendable {
    let services: Services

    /// The repository at this address, without regard to case; an address from before a rename or move finds
    /// it
    /// too. Asks nobody's permission; nil when there is none.
    package func find(projectKey: String, slug: String) async throws -> Repository? {
        try await services.read { transaction in
            try transaction.repository(projectKey: projectKey, slug: slug)
                ?? transaction.repository(formerProjectKey: projectKey, slug: slug)
        }
    }

    /// The repository at this address if the principal may read it.
    /// - Throws: ``HostingError/noSuchRepository(project:slug:)`` when there is none or it is not to be seen.
    package func find(
        projectKey: String, slug: String, visibleTo principal: Principal
    ) async throws -> Repository {
        try await access(projectKey: projectKey, slug: slug, by: principal).repository
    }

    /// The same, with everything that the principal may do to the repository, in one question to the
    /// database.
    /// - Parameter isChange: What is decided by it changes something; for reading, the answer of a minute ago
    ///   is given while the database does not answer.
    /// - Throws: ``HostingError/noSuchRepository(project:slug:)``, and with the same words whether there is
    ///   none or
    ///   it is not to be seen.
    package func access(
        projectKey: String, slug: String, by principal: Principal, isChange: Bool = false
    ) async throws -> RepositoryAccess {
        if let remote = services.remoteCredentials(of: principal) {
            let access = try await services.remoteAccess(
                projectKey: projectKey, slug: slug, by: remote, isChange: isChange)
            guard let access, access.permissions.contains(.repoRead) else {
                throw HostingError.noSuchRepository(project: projectKey, slug: slug)
            }
            return access
        }
        let ask: @Sendable (DatabaseTransaction) throws -> RepositoryAccess? = {
            [settings = services.settings] transaction in
            let direct = try transaction.repository(projectKey: projectKey, slug: slug)
            guard
                let repository = try direct
                    ?? transaction.repository(formerProjectKey: projectKey, slug: slug)
            else { return nil }
            let rights = try transaction.permissionFacts(
                principal, repository: repository, settings: settings)
            return RepositoryAccess(
                repository: repository, permissions: rights.effective, isRedirect: direct == nil)
        }
        let address = AccessMemory.Address(
            projectKey: projectKey.lowercased(), slug: slug.lowercased(), user: principal.user?.id,
            token: principal.tokenGrant,
            isLocalOperator: principal.isLocalOperator)
        let access =
            isChange
            ? try await services.lookUp(ask)
            : try await services.recalling(services.memory.accesses, address, ask).answer
        guard let access, access.permissions.contains(.repoRead) else {
            throw HostingError.noSuchRepository(project: projectKey, slug: slug)
        }
        return access
    }

    /// The repository of this id; nil when there is none. Asks nobody's permission.
    package func get(_ id: RepositoryID) async throws -> Repository? {
        try await services.lookUp { try $0.repository(id: id) }
    }

    /// The repositories that the principal has the filter's permission on, by project key and slug.
    package func list(
        _ filter: RepositoryFilter, page: PageRequest, by principal: Principal
    ) async throws -> Page<Repository> {
        let principal = try await services.reader(for: principal)
        return try await services.read { [settings = services.settings] transaction in
            let facts = try transaction.permissionFacts(principal, settings: settings)
            let conditions =
                [VisibilityFilter(facts: facts, permission: filter.permission).repositories]
                + filter.conditions
            let sql = """
                SELECT \(Repository.columns) FROM \(Repository.source)
                WHERE \(conditions.map { "(\($0.condition))" }.joined(separator: " AND "))
                ORDER BY p.project_key, r.slug LIMIT ? OFFSET ?
                """
            let repositories = try transaction.rows(sql, conditions.flatMap(\.arguments) + page.overfetch)
                .map(Repository.init(row:))
            return Page(overfetched: repositories, request: page)
        }
    }

    /// The repositories of a project that the principal may read, by slug.
    package func list(
        in project: Project, page: PageRequest, by principal: Principal
    ) async throws -> Page<Repository> {
        try await list(RepositoryFilter(projectKey: project.key), page: page, by: principal)
    }
}

extension RepositoryFilter {
    /// What is set, as conditions on ``Repository/source``.
    fileprivate var conditions: [VisibilityFilter.Condition] {
        var result: [VisibilityFilter.Condition] = []
        func add(_ condition: String, _ argument: DatabaseValue) {
            result.append(VisibilityFilter.Condition(condition: condition, arguments: [argument]))
        }
        if let name, !name.isEmpty {
            add("r.name_key LIKE ? ESCAPE '\\'", .text(NameRules.likePattern(name)))
        }
        if let projectName, !projectName.isEmpty {
            add("LOWER(p.name) LIKE ? ESCAPE '\\'", .text(NameRules.likePattern(projectName)))
        }
        if let projectKey { add("p.project_key = ?", .text(Project.storedKey(projectKey))) }
        if let state { add("r.state = ?", .text(state.rawValue)) }
        if let isPublic { add("(r.is_public = 1 OR p.is_public = 1) = (? = 1)", .bool(isPublic)) }
        if let isArchived { add("r.is_archived = ?", .bool(isArchived)) }
        return result
    }
}
