internal import Portable
internal import SharedDatabase

/// Lists and changes of what is granted to whom.
///
/// All need ADMIN for the global scope (SYS_ADMIN to give or take SYS_ADMIN), PROJECT_ADMIN for a project,
/// REPO_ADMIN for a repository.
extension Permissions {
    /// The users with a direct grant in the scope, by name.
    /// - Parameter filter: Part of the user's name, without regard to case.
    package func users(
        in scope: PermissionScope, filter: String? = nil, page: PageRequest, by principal: Principal
    ) async throws -> Page<UserGrant> {
        try await grants(
            of: "SELECT g.permission AS permission, \(User.columns) FROM permission_grant AS g "
                + "JOIN app_user AS u ON u.id = g.user_id", name: "u.name_key",
            in: scope, filter, page, principal
        ) { UserGrant(user: try User(row: $0), permission: $1) }
    }

    /// The groups with a direct grant in the scope, by name.
    /// - Parameter filter: Part of the group's name, without regard to case.
    package func groups(
        in scope: PermissionScope, filter: String? = nil, page: PageRequest, by principal: Principal
    ) async throws -> Page<GroupGrant> {
        try await grants(
            of: "SELECT g.permission AS permission, o.id AS id, o.name AS name FROM permission_grant AS g "
                + "JOIN app_group AS o ON o.id = g.group_id", name: "o.name_key",
            in: scope, filter, page, principal
        ) { GroupGrant(group: Group(id: try $0.id("id"), name: try $0.text("name")), permission: $1) }
    }

    /// Grants `permission` to users, in place of what they had in the scope.
    /// - Throws: ``HostingError/noSuchUser(name:)``; ``HostingError/invalid(field:message:)`` when the
    ///   permission does not fit the scope; nothing is changed then.
    package func grant(
        _ permission: Permission, toUsers names: [String], in scope: PermissionScope, by principal: Principal
    ) async throws {
        try await set(permission, in: scope, by: principal, for: { try $0.users(names) })
    }

    /// Grants `permission` to groups, in place of what they had in the scope.
    /// - Throws: ``HostingError/noSuchGroup(name:)``; ``HostingError/invalid(field:message:)``.
    package func grant(
        _ permission: Permission, toGroups names: [String], in scope: PermissionScope, by principal: Principal
    ) async throws {
        try await set(permission, in: scope, by: principal, for: { try $0.groups(names) })
    }

    /// Takes a user's direct grant in the scope away; having none is fine.
    /// - Throws: ``HostingError/conflict(message:)`` for the last system administrator.
    package func revoke(user name: String, in scope: PermissionScope, by principal: Principal) async throws {
        try await set(nil, in: scope, by: principal, for: { try $0.users([name]) })
    }

    /// Takes a group's grant in the scope away; having none is fine.
    /// - Throws: ``HostingError/conflict(message:)`` when nobody would be system administrator any more.
    package func revoke(group name: String, in scope: PermissionScope, by principal: Principal) async throws {
        try await set(nil, in: scope, by: principal, for: { try $0.groups([name]) })
    }

    /// Whether every user of the server has `permission` in the project.
    package func everybodyHas(
        _ permission: Permission, in project: Project, by principal: Principal
    ) async throws -> Bool {
        try await services.read { [settings = services.settings] transaction in
            try transaction.require(.projectAdmin, principal, project: project, settings)
            let sql = """
                SELECT permission FROM permission_grant
                WHERE project_id = ? AND user_id IS NULL AND group_id IS NULL
                """
            let granted = try transaction.firstRow(sql, [.id(project.id)])?.text("permission")
            return granted.flatMap(Permission.init(rawValue:))?.implies(permission) ?? false
        }
    }

    /// Gives every user of the server `permission` in the project, or takes it away again.
    /// - Parameter permission: PROJECT_READ, PROJECT_WRITE, REPO_CREATE or PROJECT_ADMIN.
    package func setEverybody(
        _ permission: Permission, allow: Bool, in project: Project, by principal: Principal
    ) async throws {
        let scope = PermissionScope.project(project.id)
        try scope.check(permission)
        try await services.write { [settings = services.settings] transaction in
            try transaction.require(.projectAdmin, principal, project: project, settings)
            if allow {
                try transaction.set(permission, for: .everybody, scope, principal, settings)
            } else {
                let sql = """
                    DELETE FROM permission_grant
                    WHERE project_id = ? AND user_id IS NULL AND group_id IS NULL AND permission = ?
                    """
                try transaction.execute(sql, [.id(project.id), .text(permission.rawValue)])
            }
        }
    }

    /// - Parameter selection: Gives grants as `g`, with those they are for.
    /// - Parameter name: The column that is filtered and sorted by.
    private func grants<Grant: Sendable>(
        of selection: String, name: String, in scope: PermissionScope, _ filter: String?, _ page: PageRequest,
        _ principal: Principal, _ make: @escaping @Sendable (DatabaseRow, Permission) throws -> Grant
    ) async throws -> Page<Grant> {
        try await services.read { [settings = services.settings] transaction in
            try transaction.requireAdmin(of: scope, principal, settings)
            let sql = """
                \(selection) WHERE \(scope.condition) AND \(name) LIKE ? ESCAPE '\\'
                ORDER BY \(name) LIMIT ? OFFSET ?
                """
            let arguments =
                scope.arguments + [.text(NameRules.likePattern(filter ?? ""))] + page.overfetch
            let grants = try transaction.rows(sql, arguments).compactMap { row in
                try Permission(rawValue: row.text("permission")).map { try make(row, $0) }
            }
            return Page(overfetched: grants, request: page)
        }
    }

    /// Gives all of the subjects `permission`, or takes away what they have: all or none of it.
    private func set(
        _ permission: Permission?, in scope: PermissionScope, by principal: Principal,
        for subjects: @escaping @Sendable (DatabaseTransaction) throws -> [GrantSubject]
    ) async throws {
        if let permission { try scope.check(permission) }
        try await services.write { [settings = services.settings] transaction in
            try transaction.requireAdmin(of: scope, principal, settings)
            try transaction.keepingSysadmin {
                for subject in try subjects(transaction) {
                    try transaction.set(permission, for: subject, scope, principal, settings)
                }
            }
        }
    }
}

extension DatabaseTransaction {
    /// - Throws: ``HostingError/noSuchUser(name:)`` for the first name that is nobody's.
    fileprivate func users(_ names: [String]) throws -> [GrantSubject] {
        try names.map { .user(try existingUser(name: $0).id) }
    }

    /// - Throws: ``HostingError/noSuchGroup(name:)`` likewise.
    fileprivate func groups(_ names: [String]) throws -> [GrantSubject] {
        try names.map { .group(try existingGroup(name: $0).id) }
    }
}
