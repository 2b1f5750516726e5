internal import Portable
internal import SharedDatabase

extension DatabaseTransaction {
    /// What is known about the principal and the server as a whole.
    func permissionFacts(
        _ principal: Principal, settings: HostingSettings
    ) throws(DatabaseError) -> PermissionFacts {
        var facts = PermissionFacts(principal: principal, anonymousAccess: settings.anonymousAccess)
        if principal.needsGrants, let user = principal.user {
            try addGrants(to: &facts, user: user.id, project: nil, repository: nil)
        }
        return facts
    }

    /// What is known about the principal and a project.
    func permissionFacts(
        _ principal: Principal, project: Project, settings: HostingSettings
    ) throws(DatabaseError) -> PermissionFacts {
        var facts = PermissionFacts(principal: principal, anonymousAccess: settings.anonymousAccess)
        facts.projectID = project.id
        facts.isProjectPublic = project.isPublic
        facts.ownsProject = project.owner != nil && project.owner?.id == principal.user?.id
        if principal.needsGrants, let user = principal.user {
            try addGrants(to: &facts, user: user.id, project: project.id, repository: nil)
            facts.hasRepositoryGrant = try hasRepositoryGrant(user: user.id, in: project.id)
        }
        facts.hasPublicRepository =
            try firstRow(
                "SELECT id FROM repository WHERE project_id = ? AND is_public = 1 LIMIT 1", [.id(project.id)])
            != nil
        if case .repository(let id) = principal.tokenGrant?.owner {
            facts.tokenProjectID =
                try firstRow("SELECT project_id FROM repository WHERE id = ?", [.id(id)])?.optionalID(
                    "project_id")
        }
        return facts
    }

    /// What is known about the principal and a repository.
    func permissionFacts(
        _ principal: Principal, repository: Repository, settings: HostingSettings
    ) throws(DatabaseError) -> PermissionFacts {
        var facts = PermissionFacts(principal: principal, anonymousAccess: settings.anonymousAccess)
        facts.projectID = repository.project.id
        facts.repositoryID = repository.id
        facts.isProjectPublic = repository.project.isPublic
        facts.isRepositoryPublic = repository.isPublic
        facts.ownsProject =
            repository.project.owner != nil && repository.project.owner?.id == principal.user?.id
        if principal.needsGrants, let user = principal.user {
            try addGrants(
                to: &facts, user: user.id, project: repository.project.id, repository: repository.id)
        }
        return facts
    }

    /// Whether any active user would be left who is system administrator.
    func hasSysadmin() throws(DatabaseError) -> Bool {
        let sql = """
            SELECT u.id AS id FROM app_user AS u WHERE u.active = 1 AND u.kind = 'NORMAL' AND (
                u.id IN (SELECT g.user_id FROM permission_grant AS g WHERE g.permission = 'SYS_ADMIN')
                OR u.id IN (SELECT m.user_id FROM group_member AS m
                    JOIN permission_grant AS g ON g.group_id = m.group_id WHERE g.permission = 'SYS_ADMIN')
            ) LIMIT 1
            """
        return try firstRow(sql) != nil
    }

    /// Whether the user has SYS_ADMIN, directly or through a group.
    func isSysadmin(_ user: UserID) throws(DatabaseError) -> Bool {
        let sql = """
            SELECT g.id AS id FROM permission_grant AS g WHERE g.permission = 'SYS_ADMIN' AND (
                g.user_id = ? OR g.group_id IN (SELECT m.group_id FROM group_member AS m WHERE m.user_id = ?)
            ) LIMIT 1
            """
        return try firstRow(sql, [.id(user), .id(user)]) != nil
    }

    /// Whether the group was granted SYS_ADMIN.
    func isSysadmin(_ group: GroupID) throws(DatabaseError) -> Bool {
        let sql = "SELECT id FROM permission_grant WHERE permission = 'SYS_ADMIN' AND group_id = ?"
        return try firstRow(sql, [.id(group)]) != nil
    }

    private func addGrants(
        to facts: inout PermissionFacts, user: UserID, project: ProjectID?, repository: RepositoryID?
    ) throws(DatabaseError) {
        let scope =
            "((g.project_id IS NULL AND g.repository_id IS NULL) OR g.project_id = ? OR g.repository_id = ?)"
        let sql = """
            SELECT g.project_id AS project_id, g.repository_id AS repository_id, g.permission AS permission
            FROM permission_grant AS g WHERE g.user_id = ? AND \(scope)
            UNION ALL
            SELECT g.project_id, g.repository_id, g.permission
            FROM group_member AS m JOIN permission_grant AS g ON g.group_id = m.group_id
            WHERE m.user_id = ? AND \(scope)
            UNION ALL
            SELECT g.project_id, g.repository_id, g.permission
            FROM permission_grant AS g WHERE g.project_id = ? AND g.user_id IS NULL AND g.group_id IS NULL
            """
        // No row has the id 0.
        let (projectID, repositoryID) = (DatabaseValue.id(project ?? 0), DatabaseValue.id(repository ?? 0))
        let arguments = [
            .id(user), projectID, repositoryID, .id(user), projectID, repositoryID, projectID,
        ]
        for row in try rows(sql, arguments) {
            guard let permission = Permission(rawValue: try row.text("permission")) else { continue }
            let one = PermissionSet(permission)
            if try row.optionalInteger("repository_id") != nil {
                facts.repository = facts.repository.union(one)
            } else if try row.optionalInteger("project_id") != nil {
                facts.project = facts.project.union(one)
            } else {
                facts.global = facts.global.union(one)
            }
        }
    }

    private func hasRepositoryGrant(user: UserID, in project: ProjectID) throws(DatabaseError) -> Bool {
        let sql = """
            SELECT g.id AS id FROM permission_grant AS g JOIN repository AS r ON r.id = g.repository_id
            WHERE r.project_id = ? AND (
                g.user_id = ? OR g.group_id IN (SELECT m.group_id FROM group_member AS m WHERE m.user_id = ?)
            ) LIMIT 1
            """
        return try firstRow(sql, [.id(project), .id(user), .id(user)]) != nil
    }
}

extension Principal {
    /// Whether what was granted in the database counts: not for the operator and for project or repository
    /// tokens.
    fileprivate var needsGrants: Bool {
        switch tokenGrant?.owner {
        case .project, .repository: false
        case .user, nil: !isLocalOperator
        }
    }
}
