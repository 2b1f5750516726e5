/// On whose behalf something is done.
package struct Principal: Sendable, Hashable {
    /// Nil for anonymous callers and the local operator.
    package let user: User?
    /// What the access token that authenticated the caller allows at most; nil without a token.
    package let tokenGrant: TokenGrant?
    /// Whether this is the operator of this machine, or the server itself: SYS_ADMIN without a user.
    package let isLocalOperator: Bool
    /// On a mirror: what the caller has shown, and nobody has judged yet.
    package let remote: RemoteCredentials?

    /// Nobody in particular.
    package static let anonymous = Principal(user: nil, tokenGrant: nil, isLocalOperator: false)
    /// The operator at this machine, or the server acting for itself.
    package static let localOperator = Principal(user: nil, tokenGrant: nil, isLocalOperator: true)

    /// A user that logged in with a password, or that the server acts for.
    package init(user: User, tokenGrant: TokenGrant? = nil) {
        self.init(user: user, tokenGrant: tokenGrant, isLocalOperator: false)
    }

    /// A caller of a mirror.
    package init(remote: RemoteCredentials) {
        self.init(user: nil, tokenGrant: nil, isLocalOperator: false, remote: remote)
    }

    private init(
        user: User?, tokenGrant: TokenGrant?, isLocalOperator: Bool, remote: RemoteCredentials? = nil
    ) {
        self.remote = remote
        self.user = user
        self.tokenGrant = tokenGrant
        self.isLocalOperator = isLocalOperator
    }

    /// Whether nobody is known.
    package var isAnonymous: Bool { user == nil && !isLocalOperator && remote?.isAnonymous ?? true }
}
