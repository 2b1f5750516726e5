package import Portable

/// A set of repositories with common permissions.
package struct Project: Sendable, Hashable {
    /// Never reused.
    package let id: ProjectID
    /// Upper case, or `~slug` for a personal project; unique without regard to case.
    package let key: String
    /// Unique without regard to case among projects that are not personal.
    package let name: String
    /// What it is for; may be nil.
    package let description: String?
    /// Whether everybody may read every repository in it.
    package let isPublic: Bool
    /// Made by an administrator, or a user's own.
    package let kind: ProjectKind
    /// Whose own it is; nil unless personal.
    package let owner: User?
    /// When it was made, in milliseconds since 1970.
    package let createdMilliseconds: Int64
}

/// What sort of project it is; the raw value is what clients see.
package enum ProjectKind: String, Sendable, Hashable {
    /// A shared project.
    case normal = "NORMAL"
    /// A user's own project, whose key is `~` and the user's slug.
    case personal = "PERSONAL"
}

/// What to change in a project; nil leaves as is.
package struct ProjectChange: Sendable {
    /// A new key.
    package var key: String?
    /// A new name.
    package var name: String?
    /// A new description; an empty one removes it.
    package var description: String?
    /// Whether everybody may read it.
    package var isPublic: Bool?

    /// Changes nothing but what is given.
    package init(key: String? = nil, name: String? = nil, description: String? = nil, isPublic: Bool? = nil) {
        self.key = key
        self.name = name
        self.description = description
        self.isPublic = isPublic
    }
}
