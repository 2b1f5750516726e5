package import Portable

/// What an access token, or an access key of SSH, allows at most.
package struct TokenGrant: Sendable, Hashable {
    /// The token; nil for an access key.
    package let id: AccessTokenID?
    /// To whom it belongs, hence where it works.
    package let owner: TokenOwner
    /// What it was made with; what these imply is included when asked.
    package let permissions: PermissionSet
}

/// To whom an access token belongs.
package enum TokenOwner: Sendable, Hashable {
    /// A user: works wherever the user may, with at most the token's permissions.
    case user(UserID)
    /// A project: works in that project alone.
    case project(ProjectID)
    /// A repository: works in that repository alone.
    case repository(RepositoryID)
}
