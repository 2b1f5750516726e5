package import Portable

/// A registered SSH key.
package struct SSHKey: Sendable, Hashable {
    /// Never reused.
    package let id: SSHKeyID
    /// As whom its holder acts: a user, or a service user made for an access key.
    package let user: User
    /// Whether it is an access key, which gives rights by itself.
    package let isAccessKey: Bool
    /// What people call it; nil when nobody said.
    package let label: String?
    /// The public key without a comment.
    package let text: String
    /// Its kind, such as `ssh-ed25519`.
    package let algorithm: String
    /// Its size in bits.
    package let bitLength: Int
    /// `SHA256:` and 43 digits of base64.
    package let fingerprint: String
    /// When it was registered, in milliseconds since 1970.
    package let createdMilliseconds: Int64
    /// From when on it is refused, in milliseconds since 1970; nil = never.
    package let expiresMilliseconds: Int64?
    /// When it was last used, in milliseconds since 1970, to about ten minutes.
    package let lastAuthenticatedMilliseconds: Int64?

    /// Whether it may be used at this time, in milliseconds since 1970.
    func isGood(at now: Int64) -> Bool { user.active && expiresMilliseconds ?? .max > now }
}

/// What an access key opens.
package enum SSHAccessOwner: Sendable, Hashable {
    /// Every repository of a project.
    case project(ProjectID)
    /// One repository.
    case repository(RepositoryID)
}

/// An access key as it was given to one project or repository.
package struct SSHAccess: Sendable, Hashable {
    /// The key.
    package let key: SSHKey
    /// What it opens.
    package let owner: SSHAccessOwner
    /// PROJECT_READ, PROJECT_WRITE, REPO_READ or REPO_WRITE.
    package let permission: Permission
}
