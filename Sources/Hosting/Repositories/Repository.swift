package import Portable

/// A bare git repository and what the server knows of it.
package struct Repository: Sendable, Hashable {
    /// Never reused; names the folder on disk.
    package let id: RepositoryID
    /// The name as it appears in addresses: lower case; unique in the project.
    package let slug: String
    /// What people read.
    package let name: String
    /// What it is for; may be nil.
    package let description: String?
    /// Where it belongs.
    package let project: Project
    /// Whether everybody may read it.
    package let isPublic: Bool
    /// Whether it may be forked.
    package let isForkable: Bool
    /// Whether it can only be read.
    package let isArchived: Bool
    /// Whether it can be used yet.
    package let state: RepositoryState
    /// Common to a repository and its forks: 20 hexadecimal digits.
    package let hierarchyID: String
    /// When it was made, in milliseconds since 1970.
    package let createdMilliseconds: Int64
}

/// How far a repository is; the raw value is what clients see.
package enum RepositoryState: String, Sendable, Hashable, CaseIterable {
    /// The row is there, the folder is being made.
    case initialising = "INITIALISING"
    /// The folder could not be made.
    case initialisationFailed = "INITIALISATION_FAILED"
    /// Usable.
    case available = "AVAILABLE"
}

/// A repository together with what the asking principal may do to it.
package struct RepositoryAccess: Sendable {
    /// The repository.
    package let repository: Repository
    /// Everything the principal may, implied permissions included.
    package let permissions: PermissionSet
    /// Whether the address that was asked for is an old one; the repository tells the new one.
    package let isRedirect: Bool
}

/// What to make a repository from.
package struct NewRepository: Sendable {
    /// What people read; the slug follows from it.
    package var name: String
    /// What it is for.
    package var description: String?
    /// Whether everybody may read it.
    package var isPublic: Bool
    /// The short name of the first branch; nil = the server's default.
    package var defaultBranch: String?
    /// Whether it may be forked.
    package var isForkable: Bool

    /// A private, forkable repository unless said otherwise.
    package init(
        name: String, description: String? = nil, isPublic: Bool = false, defaultBranch: String? = nil,
        isForkable: Bool = true
    ) {
        self.name = name
        self.description = description
        self.isPublic = isPublic
        self.defaultBranch = defaultBranch
        self.isForkable = isForkable
    }
}

/// What to change in a repository; nil leaves as is.
package struct RepositoryChange: Sendable {
    /// A new name, and so a new slug; the old one redirects.
    package var name: String?
    /// The key of another project to move to; the old address redirects.
    package var projectKey: String?
    /// A new description; an empty one removes it.
    package var description: String?
    /// Whether everybody may read it.
    package var isPublic: Bool?
    /// Whether it may be forked.
    package var isForkable: Bool?
    /// Whether it can only be read.
    package var isArchived: Bool?
    /// The short or full name of the branch to make the default one.
    package var defaultBranch: String?

    /// Changes nothing but what is given.
    package init(
        name: String? = nil, projectKey: String? = nil, description: String? = nil, isPublic: Bool? = nil,
        isForkable: Bool? = nil, isArchived: Bool? = nil, defaultBranch: String? = nil
    ) {
        self.name = name
        self.projectKey = projectKey
        self.description = description
        self.isPublic = isPublic
        self.isForkable = isForkable
        self.isArchived = isArchived
        self.defaultBranch = defaultBranch
    }
}

/// Which repositories a list shall hold; everything that is set must hold.
package struct RepositoryFilter: Sendable {
    /// Part of the repository's name, without regard to case.
    package var name: String?
    /// Part of the project's name, without regard to case.
    package var projectName: String?
    /// The project's key, without regard to case.
    package var projectKey: String?
    /// What the asking principal must be allowed; REPO_READ unless set.
    package var permission: Permission
    /// How far the repository must be.
    package var state: RepositoryState?
    /// Public ones only, or private ones only.
    package var isPublic: Bool?
    /// Archived ones only, or none of them.
    package var isArchived: Bool?

    /// Everything that the principal may read.
    package init(
        name: String? = nil, projectName: String? = nil, projectKey: String? = nil,
        permission: Permission = .repoRead, state: RepositoryState? = nil, isPublic: Bool? = nil,
        isArchived: Bool? = nil
    ) {
        self.name = name
        self.projectName = projectName
        self.projectKey = projectKey
        self.permission = permission
        self.state = state
        self.isPublic = isPublic
        self.isArchived = isArchived
    }
}
