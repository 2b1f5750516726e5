internal import Portable
internal import SharedDatabase

/// Which projects and repositories a principal has a permission in, as conditions for `WHERE`.
///
/// Says the same as ``PermissionFacts`` does for one target; a test compares the two.
struct VisibilityFilter {
    /// A condition and what its `?` stand for.
    struct Condition {
        var condition: String
        var arguments: [DatabaseValue] = []

        static let everything = Condition(condition: "1 = 1")
        static let nothing = Condition(condition: "1 = 0")

        static func any(_ conditions: [Condition]) -> Condition {
            guard !conditions.isEmpty else { return .nothing }
            return Condition(
                condition: "(" + conditions.map(\.condition).joined(separator: " OR ") + ")",
                arguments: conditions.flatMap(\.arguments))
        }
    }

    /// What is known about the principal and the server as a whole.
    let facts: PermissionFacts
    /// What the principal must be allowed.
    let permission: Permission

    /// For rows of `project AS p`.
    var projects: Condition {
        let principal = facts.principal
        if principal.isLocalOperator { return .everything }
        var ways: [Condition] = []
        if seesPublic {
            if Permission.projectRead.implies(permission) {
                ways.append(Condition(condition: "p.is_public = 1"))
            }
            if permission == .projectView {
                ways.append(
                    Condition(
                        condition: "p.id IN (SELECT x.project_id FROM repository AS x WHERE x.is_public = 1)")
                )
            }
        }
        guard let user = principal.user, user.active else { return .any(ways) }
        switch principal.tokenGrant?.owner {
        case .project(let id) where tokenAllows:
            ways.append(Condition(condition: "p.id = ?", arguments: [.id(id)]))
        case .repository(let id) where tokenAllows && permission == .projectView:
            ways.append(
                Condition(
                    condition: "p.id IN (SELECT x.project_id FROM repository AS x WHERE x.id = ?)",
                    arguments: [.id(id)]))
        case .project, .repository: break
        case .user, nil:
            guard isLicensed, tokenAllows else { break }
            if facts.global.closed.contains(permission) { return .everything }
            ways += [owned(user), granted(user, column: "p.id", of: "project_id", everybody: true)]
            if permission == .projectView { ways.append(hasRepositoryGrant(user)) }
        }
        return .any(ways)
    }

    /// For rows of `repository AS r JOIN project AS p`.
    var repositories: Condition {
        let principal = facts.principal
        if principal.isLocalOperator { return .everything }
        var ways: [Condition] = []
        if seesPublic, Permission.repoRead.implies(permission) {
            ways.append(Condition(condition: "r.is_public = 1 OR p.is_public = 1"))
        } else if seesPublic, Permission.projectRead.implies(permission) {
            ways.append(Condition(condition: "p.is_public = 1"))
        }
        guard let user = principal.user, user.active else { return .any(ways) }
        switch principal.tokenGrant?.owner {
        case .project(let id) where tokenAllows:
            ways.append(Condition(condition: "r.project_id = ?", arguments: [.id(id)]))
        case .repository(let id) where tokenAllows:
            ways.append(Condition(condition: "r.id = ?", arguments: [.id(id)]))
        case .project, .repository: break
        case .user, nil:
            guard isLicensed, tokenAllows else { break }
            if facts.global.closed.contains(permission) { return .everything }
            ways += [
                owned(user), granted(user, column: "r.project_id", of: "project_id", everybody: true),
                granted(user, column: "r.id", of: "repository_id", everybody: false),
            ]
        }
        return .any(ways)
    }

    private var isLicensed: Bool { facts.global.closed.contains(.licensedUser) }

    /// Whether public things are to be seen: by anybody if the operator wants it so, else by users.
    private var seesPublic: Bool {
        if facts.anonymousAccess { return true }
        guard let principal = facts.principal.user, principal.active else { return false }
        return isLicensed || facts.principal.isService
    }

    private var tokenAllows: Bool {
        guard let token = facts.principal.tokenGrant else { return true }
        return token.permissions.closed.contains(permission)
    }

    private func owned(_ user: User) -> Condition {
        guard Permission.projectAdmin.implies(permission) else { return .nothing }
        return Condition(condition: "p.owner_id = ?", arguments: [.id(user.id)])
    }

    private func granted(_ user: User, column: String, of scope: String, everybody: Bool) -> Condition {
        let names = Permission.allCases.filter { $0.implies(permission) }.map { "'\($0.rawValue)'" }
        let subject =
            "g.user_id = ? OR g.group_id IN (SELECT m.group_id FROM group_member AS m WHERE m.user_id = ?)"
            + (everybody ? " OR (g.user_id IS NULL AND g.group_id IS NULL)" : "")
        let sql = """
            \(column) IN (SELECT g.\(scope) FROM permission_grant AS g WHERE g.\(scope) IS NOT NULL
                AND g.permission IN (\(names.joined(separator: ", "))) AND (\(subject)))
            """
        return Condition(condition: sql, arguments: [.id(user.id), .id(user.id)])
    }

    private func hasRepositoryGrant(_ user: User) -> Condition {
        let sql = """
            p.id IN (SELECT x.project_id FROM repository AS x JOIN permission_grant AS g ON
                g.repository_id = x.id
                WHERE g.user_id = ? OR g.group_id IN (SELECT m.group_id FROM group_member AS m WHERE
                    m.user_id = ?))
            """
        return Condition(condition: sql, arguments: [.id(user.id), .id(user.id)])
    }
}

extension Principal {
    /// Whether it acts by the token of a project or repository.
    var isService: Bool {
        switch tokenGrant?.owner {
        case .project, .repository: true
        case .user, nil: false
        }
    }
}
