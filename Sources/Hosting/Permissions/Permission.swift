/// What somebody may do, by the original's names.
///
/// - Source: Bitbucket Server, "Permission" names; higher implies lower, PROJECT_x implies REPO_x on all
///   repositories of the project.
package enum Permission: String, CaseIterable, Sendable, Hashable, Codable {
    /// May use the server at all.
    case licensedUser = "LICENSED_USER"
    /// May make projects.
    case projectCreate = "PROJECT_CREATE"
    /// May administer users, groups, projects and repositories.
    case admin = "ADMIN"
    /// May do everything.
    case sysAdmin = "SYS_ADMIN"
    /// May know that the project exists; implied, never granted.
    case projectView = "PROJECT_VIEW"
    /// May read every repository of the project.
    case projectRead = "PROJECT_READ"
    /// May push to every repository of the project.
    case projectWrite = "PROJECT_WRITE"
    /// May make repositories in the project.
    case repoCreate = "REPO_CREATE"
    /// May change the project and every repository in it.
    case projectAdmin = "PROJECT_ADMIN"
    /// May read the repository.
    case repoRead = "REPO_READ"
    /// May push to the repository.
    case repoWrite = "REPO_WRITE"
    /// May change the repository's settings.
    case repoAdmin = "REPO_ADMIN"

    /// At which level the permission can be granted.
    package var level: PermissionLevel {
        switch self {
        case .licensedUser, .projectCreate, .admin, .sysAdmin: .global
        case .projectView, .projectRead, .projectWrite, .repoCreate, .projectAdmin: .project
        case .repoRead, .repoWrite, .repoAdmin: .repository
        }
    }

    /// Whether it can be granted by hand; PROJECT_VIEW only follows from others.
    package var isGrantable: Bool { self != .projectView }

    /// Whether who has this permission thereby has `other`.
    package func implies(_ other: Permission) -> Bool { PermissionSet(self).closed.contains(other) }

    /// What follows directly; ``PermissionSet/closed`` follows the chain.
    var impliesDirectly: [Permission] {
        switch self {
        case .sysAdmin: [.admin]
        case .admin: [.projectCreate, .projectAdmin]
        case .projectCreate: [.licensedUser]
        case .projectAdmin: [.repoCreate, .repoAdmin]
        case .repoCreate: [.projectWrite]
        case .projectWrite: [.projectRead, .repoWrite]
        case .projectRead: [.projectView, .repoRead]
        case .repoAdmin: [.repoWrite]
        case .repoWrite: [.repoRead]
        case .repoRead: [.projectView]
        case .licensedUser, .projectView: []
        }
    }
}

/// Where a permission can be granted.
package enum PermissionLevel: String, Sendable, Hashable {
    /// For the whole server.
    case global = "GLOBAL"
    /// For one project.
    case project = "PROJECT"
    /// For one repository.
    case repository = "REPOSITORY"
}
