package import Portable

/// Somebody, or something, that may act on this server.
package struct User: Sendable, Hashable {
    /// Never reused.
    package let id: UserID
    /// What the user logs in with; unique without regard to case.
    package let name: String
    /// The name as it appears in addresses: lower case, letters, digits, `.`, `_`, `-`.
    package let slug: String
    /// What people read.
    package let displayName: String
    /// May be empty for service users.
    package let emailAddress: String?
    /// A user that is not active cannot log in.
    package let active: Bool
    /// A person, or a service such as the holder of a project's access token.
    package let kind: UserKind
    /// When the user was made, in milliseconds since 1970.
    package let createdMilliseconds: Int64
}

/// What a ``User`` stands for; the raw value is what clients see.
package enum UserKind: String, Sendable, Hashable {
    /// A person.
    case normal = "NORMAL"
    /// A program.
    case service = "SERVICE"
}
