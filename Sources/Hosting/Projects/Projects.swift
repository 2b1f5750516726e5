package import Portable
internal import SharedDatabase

/// The projects of this server.
package struct Projects: Sendable {
    let services: Services

    /// Makes a project.
    /// - Parameter key: A letter, then up to 127 letters, digits or underscores; stored in upper case.
    /// - Parameter principal: Needs PROJECT_CREATE, and becomes PROJECT_ADMIN of the project.
    /// - Throws: ``HostingError/duplicate(what:name:)`` for a key or name in use.
    @discardableResult
    package func create(
        key: String, name: String, description: String? = nil, isPublic: Bool = false, by principal: Principal
    ) async throws -> Project {
        let (key, name) = (try NameRules.projectKey(key), try NameRules.projectName(name))
        let description = try NameRules.description(description)
        return try await services.change(changesAccess: false) { [services] transaction in
            try transaction.require(.projectCreate, principal, services.settings)
            try transaction.requireFree(key: key, name: name, besides: nil)
            let project = try transaction.insertProject(
                key: key, name: name, description: description, isPublic: isPublic, owner: nil)
            if let user = principal.user {
                try transaction.insertGrant(.projectAdmin, for: .user(user.id), .project(project.id))
            }
            try services.announce("project:created", project: project, by: principal, in: transaction)
            return project
        }
    }

    /// The project of this key, without regard to case; nil when there is none. Asks nobody's permission.
    package func find(key: String) async throws -> Project? {
        try await services.read { try $0.project(key: key) }
    }

    /// The project of this key if the principal may see it.
    ///
    /// `~slug` of the principal itself makes its personal project at the first use.
    /// - Throws: ``HostingError/noSuchProject(key:)`` when there is none or it is not to be seen.
    package func find(key: String, visibleTo principal: Principal) async throws -> Project {
        let found = try await services.read { [settings = services.settings] transaction -> Project? in
            guard let project = try transaction.project(key: key) else { return nil }
            try transaction.require(.projectView, principal, project: project, settings)
            return project
        }
        if let found { return found }
        guard let user = principal.user, user.kind == .normal, key.lowercased() == "~" + user.slug else {
            throw HostingError.noSuchProject(key: key)
        }
        return try await services.write(changesAccess: false) { [settings = services.settings] transaction in
            if let project = try transaction.project(key: key) { return project }
            try transaction.require(.licensedUser, principal, settings)
            let project = try transaction.insertProject(
                key: "~" + user.slug, name: user.displayName, description: nil, isPublic: false, owner: user)
            // A token that may not see it does not make it either.
            try transaction.require(.projectView, principal, project: project, settings)
            return project
        }
    }

    /// The project of this id; nil when there is none. Asks nobody's permission.
    package func get(_ id: ProjectID) async throws -> Project? {
        try await services.read { try $0.project(id: id) }
    }

    /// The projects that the principal has `permission` in, by name; personal ones are left out.
    /// - Parameter name: Part of the name, without regard to case.
    /// - Parameter permission: PROJECT_VIEW or higher.
    package func list(
        name: String? = nil, permission: Permission = .projectView, page: PageRequest, by principal: Principal
    ) async throws -> Page<Project> {
        let principal = try await services.reader(for: principal)
        return try await services.read { [settings = services.settings] transaction in
            let facts = try transaction.permissionFacts(principal, settings: settings)
            let visible = VisibilityFilter(facts: facts, permission: permission).projects
            let sql = """
                SELECT \(Project.columns) FROM \(Project.source)
                WHERE p.kind = 'NORMAL' AND p.name_key LIKE ? ESCAPE '\\' AND \(visible.condition)
                ORDER BY p.name_key LIMIT ? OFFSET ?
                """
            let pattern = DatabaseValue.text(NameRules.likePattern(name ?? ""))
            let projects = try transaction.rows(sql, [pattern] + visible.arguments + page.overfetch)
                .map(Project.init(row:))
            return Page(overfetched: projects, request: page)
        }
    }

    /// Changes what is given.
    /// - Parameter principal: Needs PROJECT_ADMIN.
    /// - Throws: ``HostingError/duplicate(what:name:)``; ``HostingError/invalid(field:message:)``, also for
    ///   the
    ///   key of a personal project.
    package func update(
        _ project: Project, _ change: ProjectChange, by principal: Principal
    ) async throws -> Project {
        try await services.change { [services] transaction in
            guard let current = try transaction.project(id: project.id) else {
                throw HostingError.noSuchProject(key: project.key)
            }
            try transaction.require(.projectAdmin, principal, project: current, services.settings)
            let changed = try transaction.apply(change, to: current)
            try services.announce(
                "project:modified", project: changed, before: current, by: principal, in: transaction)
            return changed
        }
    }

    /// Removes a project that has no repositories.
    /// - Parameter principal: Needs PROJECT_ADMIN.
    /// - Throws: ``HostingError/notEmpty(project:repositories:)``.
    package func delete(_ project: Project, by principal: Principal) async throws {
        try await services.change { [services] transaction in
            guard let current = try transaction.project(id: project.id) else {
                throw HostingError.noSuchProject(key: project.key)
            }
            try transaction.require(.projectAdmin, principal, project: current, services.settings)
            try transaction.deleteProject(id: project.id)
            try services.announce("project:deleted", project: current, by: principal, in: transaction)
        }
    }
}
