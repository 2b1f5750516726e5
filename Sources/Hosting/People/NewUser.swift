/// What to make a user from.
package struct NewUser: Sendable {
    /// What the user logs in with.
    package var name: String
    /// What people read.
    package var displayName: String
    /// Where mail would go.
    package var emailAddress: String?
    /// Nil for a user that cannot log in with a password.
    package var password: String?
    /// Whether the user joins ``Group/everybody`` and so may use the server.
    package var joinsDefaultGroup: Bool

    /// A user that may log in with the password and use the server.
    package init(
        name: String, displayName: String, emailAddress: String?, password: String?,
        joinsDefaultGroup: Bool = true
    ) {
        self.name = name
        self.displayName = displayName
        self.emailAddress = emailAddress
        self.password = password
        self.joinsDefaultGroup = joinsDefaultGroup
    }
}

/// What to change in a user; nil leaves as is.
package struct UserChange: Sendable {
    /// A new login name; the personal project follows.
    package var name: String?
    /// A new display name.
    package var displayName: String?
    /// A new e-mail address.
    package var emailAddress: String?
    /// Whether the user may log in.
    package var active: Bool?

    /// Changes nothing but what is given.
    package init(
        name: String? = nil, displayName: String? = nil, emailAddress: String? = nil, active: Bool? = nil
    ) {
        self.name = name
        self.displayName = displayName
        self.emailAddress = emailAddress
        self.active = active
    }
}
