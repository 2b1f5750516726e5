package import Portable

/// An access token as it can be listed: all but its secret.
package struct AccessToken: Sendable, Hashable {
    /// Never reused.
    package let id: AccessTokenID
    /// Unique for its owner.
    package let name: String
    /// To whom it belongs.
    package let owner: TokenOwner
    /// As whom its holder acts: the owner, or a service user made for a project's or repository's token.
    package let user: User
    /// What it allows at most, as it was asked for.
    package let permissions: [Permission]
    /// When it was made, in milliseconds since 1970.
    package let createdMilliseconds: Int64
    /// From when on it is refused, in milliseconds since 1970; nil = never.
    package let expiresMilliseconds: Int64?
    /// When it was last used, in milliseconds since 1970, to about ten minutes.
    package let lastAuthenticatedMilliseconds: Int64?
}

/// A token just made: the only time its secret is to be had.
package struct CreatedAccessToken: Sendable {
    /// The token.
    package let token: AccessToken
    /// The secret: `pgt_` and 43 letters and digits of base64url; stored hashed only.
    package let secretText: String
}
