package import Portable

/// Where a grant holds.
package enum PermissionScope: Sendable, Hashable {
    /// The whole server.
    case global
    /// One project.
    case project(ProjectID)
    /// One repository.
    case repository(RepositoryID)

    /// The level that fits.
    package var level: PermissionLevel {
        switch self {
        case .global: .global
        case .project: .project
        case .repository: .repository
        }
    }
}

/// A user and the permission it was granted; one per user and scope.
package struct UserGrant: Sendable, Hashable {
    /// Who.
    package let user: User
    /// What.
    package let permission: Permission
}

/// A group and the permission it was granted; one per group and scope.
package struct GroupGrant: Sendable, Hashable {
    /// Who.
    package let group: Group
    /// What.
    package let permission: Permission
}
