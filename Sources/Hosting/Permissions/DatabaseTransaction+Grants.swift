internal import Portable
internal import SharedDatabase

extension DatabaseTransaction {
    /// Insists that the principal may change what is granted in the scope.
    func requireAdmin(of scope: PermissionScope, _ principal: Principal, _ settings: HostingSettings) throws {
        switch scope {
        case .global: try require(.admin, principal, settings)
        case .project(let id):
            guard let project = try project(id: id) else { throw HostingError.noSuchProject(key: "\(id)") }
            try require(.projectAdmin, principal, project: project, settings)
        case .repository(let id):
            guard let repository = try repository(id: id) else {
                throw HostingError.noSuchRepository(project: "", slug: "\(id)")
            }
            try require(.repoAdmin, principal, repository: repository, settings)
        }
    }

    /// Makes `permission` the one that the subject has in the scope; nil takes it away.
    ///
    /// Giving or taking SYS_ADMIN needs SYS_ADMIN.
    func set(
        _ permission: Permission?, for subject: GrantSubject, _ scope: PermissionScope,
        _ principal: Principal, _ settings: HostingSettings
    ) throws {
        let existing = try firstRow(
            "SELECT g.id AS id, g.permission AS permission FROM permission_grant AS g "
                + "WHERE \(scope.condition) AND \(subject.condition)", scope.arguments + subject.arguments)
        let had = try existing?.text("permission")
        if permission == .sysAdmin || had == Permission.sysAdmin.rawValue {
            try require(.sysAdmin, principal, settings)
        }
        if let existing {
            try execute("DELETE FROM permission_grant WHERE id = ?", [.integer(existing.integer("id"))])
        }
        if let permission { try insertGrant(permission, for: subject, scope) }
    }

    /// Grants without asking anybody; the subject has no grant in the scope yet.
    func insertGrant(
        _ permission: Permission, for subject: GrantSubject, _ scope: PermissionScope
    ) throws(DatabaseError) {
        let (project, repository): (ProjectID?, RepositoryID?) =
            switch scope {
            case .global: (nil, nil)
            case .project(let id): (id, nil)
            case .repository(let id): (nil, id)
            }
        let (user, group): (UserID?, GroupID?) =
            switch subject {
            case .user(let id): (id, nil)
            case .group(let id): (nil, id)
            case .everybody: (nil, nil)
            }
        try execute(
            "INSERT INTO permission_grant (project_id, repository_id, user_id, group_id, permission) "
                + "VALUES (?, ?, ?, ?, ?)",
            [.id(project), .id(repository), .id(user), .id(group), .text(permission.rawValue)])
    }

    /// Makes a change unless nobody would be system administrator any more.
    func keepingSysadmin<Value>(_ change: () throws -> Value) throws -> Value {
        let hadSysadmin = try hasSysadmin()
        let value = try change()
        if hadSysadmin, try !hasSysadmin() {
            throw HostingError.conflict(
                message:
                    "Nobody would be system administrator any more. Grant SYS_ADMIN to somebody else first.")
        }
        return value
    }
}

/// Whom a grant is for.
enum GrantSubject {
    case user(UserID)
    case group(GroupID)
    /// Every user of the server.
    case everybody

    /// The rows of `permission_grant AS g` that are for it, with ``arguments``.
    var condition: String {
        switch self {
        case .user: "g.user_id = ?"
        case .group: "g.group_id = ?"
        case .everybody: "g.user_id IS NULL AND g.group_id IS NULL"
        }
    }

    /// What ``condition`` needs.
    var arguments: [DatabaseValue] {
        switch self {
        case .user(let id): [.id(id)]
        case .group(let id): [.id(id)]
        case .everybody: []
        }
    }
}

extension PermissionScope {
    /// The rows of `permission_grant AS g` in this scope, with ``arguments``.
    var condition: String {
        switch self {
        case .global: "g.project_id IS NULL AND g.repository_id IS NULL"
        case .project: "g.project_id = ?"
        case .repository: "g.repository_id = ?"
        }
    }

    /// What ``condition`` needs.
    var arguments: [DatabaseValue] {
        switch self {
        case .global: []
        case .project(let id): [.id(id)]
        case .repository(let id): [.id(id)]
        }
    }

    /// Insists that the permission can be granted here.
    func check(_ permission: Permission) throws(HostingError) {
        let fits = Permission.allCases.filter { $0.level == level && $0.isGrantable }
        guard fits.contains(permission) else {
            let names = fits.map(\.rawValue).joined(separator: ", ")
            throw .invalid(
                field: "permission",
                message: "\(permission.rawValue) cannot be granted here. Use one of \(names).")
        }
    }
}

extension PageRequest {
    /// What `LIMIT ? OFFSET ?` needs for ``Page/init(overfetched:request:)``.
    var overfetch: [DatabaseValue] { [.integer(Int64(limit) + 1), .integer(Int64(start))] }
}
