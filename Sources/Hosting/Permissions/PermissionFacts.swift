internal import Portable

/// What is known about a principal and a target; says what the principal may, without asking anybody.
struct PermissionFacts: Sendable {
    /// Who asks.
    var principal: Principal
    /// Whether public things may be read without a user.
    var anonymousAccess: Bool
    /// Granted on the server, to the user or its groups.
    var global: PermissionSet = .none
    /// Granted in the project, to the user, its groups or everybody.
    var project: PermissionSet = .none
    /// Granted in the repository, to the user or its groups.
    var repository: PermissionSet = .none
    /// The project asked about, or that of the repository asked about; nil for the server as a whole.
    var projectID: ProjectID?
    /// The repository asked about; nil for a project or the server.
    var repositoryID: RepositoryID?
    /// Whether everybody may read the project.
    var isProjectPublic = false
    /// Whether everybody may read the repository.
    var isRepositoryPublic = false
    /// Whether the project is the principal's own.
    var ownsProject = false
    /// Asked about a project: whether it has a repository that everybody may read.
    var hasPublicRepository = false
    /// Asked about a project: whether the principal was granted anything in one of its repositories.
    var hasRepositoryGrant = false
    /// The project of the token's repository, for a repository's token asked about a project.
    var tokenProjectID: ProjectID?

    /// Everything that the principal may do to the target, implied permissions included.
    var effective: PermissionSet {
        if principal.isLocalOperator { return .all }
        guard let user = principal.user, user.active else { return anonymous }
        switch principal.tokenGrant?.owner {
        case .project, .repository: return serviceRights.union(publicRights)
        case .user, nil: break
        }
        let onServer = global.closed
        guard onServer.contains(.licensedUser) else { return anonymous }
        var rights = onServer.union(project.closed).union(repository.closed)
        if ownsProject { rights = rights.union(PermissionSet(.projectAdmin).closed) }
        if hasRepositoryGrant { rights = rights.union(PermissionSet(.projectView)) }
        if let token = principal.tokenGrant {
            rights = rights.intersection(token.permissions.closed.union(PermissionSet(.licensedUser)))
        }
        return rights.union(publicRights)
    }

    private var anonymous: PermissionSet { anonymousAccess ? publicRights : .none }

    private var publicRights: PermissionSet {
        var rights = PermissionSet.none
        if isProjectPublic { rights = rights.union(PermissionSet(.projectRead).closed) }
        if isRepositoryPublic { rights = rights.union(PermissionSet(.repoRead).closed) }
        if hasPublicRepository { rights = rights.union(PermissionSet(.projectView)) }
        return rights
    }

    /// What the token of a project or repository gives by itself: no user stands behind it.
    private var serviceRights: PermissionSet {
        guard let token = principal.tokenGrant else { return .none }
        let licensed = PermissionSet(.licensedUser)
        switch token.owner {
        case .project(let id) where id == projectID:
            return token.permissions.closed.union(licensed)
        case .repository(let id) where id == repositoryID:
            return token.permissions.closed.union(licensed)
        case .repository where repositoryID == nil && tokenProjectID != nil && tokenProjectID == projectID:
            return token.permissions.closed.intersection(PermissionSet(.projectView)).union(licensed)
        default:
            return licensed
        }
    }
}
