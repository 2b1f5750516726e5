/// What a caller shows to prove who it is.
package enum Credentials: Sendable {
    /// A user name and a password, or an access token in the password's place.
    case basic(user: String, password: String)
    /// An access token, or the local operator's token.
    case bearer(String)
}
