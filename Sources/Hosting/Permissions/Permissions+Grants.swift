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
        try await services.read { [settings = services.settings] transaction in
            try transaction.requireAdmin(of: scope, principal, settings)
            let sql = """
                SELECT g.permission AS permission, \(User.columns) FROM permission_grant AS g
                JOIN app_user AS u ON u.id = g.user_id
                WHERE \(scope.condition) AND u.name_key LIKE ? ESCAPE '\\' ORDER BY u.name_key LIMIT ?
                    OFFSET ?
                """
            let arguments =
                scope.arguments + [.text(NameRules.likePattern(filter ?? ""))] + page.overfetch
            let grants = try transaction.rows(sql, arguments).compactMap { row in
                try Permission(rawValue: row.text("permission")).map {
                    UserGrant(user: try User(row: row), permission: $0)
                }
            }
            return Page(overfetched: grants, request: page)
        }
    }

    /// The groups with a direct grant in the scope, by name.
    /// - Parameter filter: Part of the group's name, without regard to case.
    package func groups(
        in scope: PermissionScope, filter: String? = nil, page: PageRequest, by principal: Principal
    ) async throws -> Page<GroupGrant> {
        try await services.read { [settings = services.settings] transaction in
            try transaction.requireAdmin(of: scope, principal, settings)
            let sql = """
                SELECT g.permission AS permission, o.id AS id, o.name AS name FROM permission_grant AS g
                JOIN app_group AS o ON o.id = g.group_id
                WHERE \(scope.condition) AND o.name_key LIKE ? ESCAPE '\\' ORDER BY o.name_key LIMIT ?
                    OFFSET ?
                """
            let arguments =
                scope.arguments + [.text(NameRules.likePattern(filter ?? ""))] + page.overfetch
            let grants = try transaction.rows(sql, arguments).compactMap { row in
                try Permission(rawValue: row.text("permission")).map {
                    GroupGrant(
                        group: Group(id: try row.id("id"), name: try row.text("name")), permission: $0)
                }
            }
            return Page(overfetched: grants, request: page)
        }
    }

    /// Grants `permission` to users, in place of what they had in the scope.
    /// - Throws: ``HostingError/noSuchUser(name:)``; ``HostingError/invalid(field:message:)`` when the
    ///   permission does not fit the scope; nothing is changed then.
    package func grant(
        _ permission: Permission, toUsers names: [String], in scope: PermissionScope, by principal: Principal
    ) async throws {
        try scope.check(permission)
        try await services.write { [settings = services.settings] transaction in
            try transaction.requireAdmin(of: scope, principal, settings)
            try transaction.keepingSysadmin {
                for name in names {
                    let user = try transaction.existingUser(name: name)
                    try transaction.set(permission, user: user.id, group: nil, scope, principal, settings)
                }
            }
        }
    }

    /// Grants `permission` to groups, in place of what they had in the scope.
    /// - Throws: ``HostingError/noSuchGroup(name:)``; ``HostingError/invalid(field:message:)``.
    package func grant(
        _ permission: Permission, toGroups names: [String], in scope: PermissionScope, by principal: Principal
    ) async throws {
        try scope.check(permission)
        try await services.write { [settings = services.settings] transaction in
            try transaction.requireAdmin(of: scope, principal, settings)
            try transaction.keepingSysadmin {
                for name in names {
                    let group = try transaction.existingGroup(name: name)
                    try transaction.set(permission, user: nil, group: group.id, scope, principal, settings)
                }
            }
        }
    }

    /// Takes a user's direct grant in the scope away; having none is fine.
    /// - Throws: ``HostingError/conflict(message:)`` for the last system administrator.
    package func revoke(user name: String, in scope: PermissionScope, by principal: Principal) async throws {
        try await services.write { [settings = services.settings] transaction in
            try transaction.requireAdmin(of: scope, principal, settings)
            let user = try transaction.existingUser(name: name)
            try transaction.keepingSysadmin {
                try transaction.set(nil, user: user.id, group: nil, scope, principal, settings)
            }
        }
    }

    /// Takes a group's grant in the scope away; having none is fine.
    /// - Throws: ``HostingError/conflict(message:)`` when nobody would be system administrator any more.
    package func revoke(group name: String, in scope: PermissionScope, by principal: Principal) async throws {
        try await services.write { [settings = services.settings] transaction in
            try transaction.requireAdmin(of: scope, principal, settings)
            let group = try transaction.existingGroup(name: name)
            try transaction.keepingSysadmin {
                try transaction.set(nil, user: nil, group: group.id, scope, principal, settings)
            }
        }
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
                try transaction.set(permission, user: nil, group: nil, scope, principal, settings)
            } else {
                let sql = """
                    DELETE FROM permission_grant
                    WHERE project_id = ? AND user_id IS NULL AND group_id IS NULL AND permission = ?
                    """
                try transaction.execute(sql, [.id(project.id), .text(permission.rawValue)])
            }
        }
    }
}
