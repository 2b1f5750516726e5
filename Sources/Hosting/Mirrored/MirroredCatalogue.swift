package import Portable

/// A project as the upstream of a mirror describes it.
package struct MirroredProject: Sendable, Hashable {
    /// The same as on the upstream.
    package var id: ProjectID
    /// As it is stored; personal ones begin with `~`.
    package var key: String
    /// What people read.
    package var name: String
    /// What it is for; may be nil.
    package var description: String?
    /// Whether everybody may read it.
    package var isPublic: Bool
    /// Whether it is somebody's own.
    package var isPersonal: Bool
    /// In milliseconds since 1970.
    package var createdMilliseconds: Int64

    /// Everything that a mirror knows of a project.
    package init(
        id: ProjectID, key: String, name: String, description: String?, isPublic: Bool, isPersonal: Bool,
        createdMilliseconds: Int64
    ) {
        self.id = id
        self.key = key
        self.name = name
        self.description = description
        self.isPublic = isPublic
        self.isPersonal = isPersonal
        self.createdMilliseconds = createdMilliseconds
    }

    /// The project's description for mirrors.
    package init(_ project: Project) {
        self.init(
            id: project.id, key: project.key, name: project.name, description: project.description,
            isPublic: project.isPublic, isPersonal: project.kind == .personal,
            createdMilliseconds: project.createdMilliseconds)
    }
}

/// A repository as the upstream of a mirror describes it.
package struct MirroredRepository: Sendable, Hashable {
    /// The same as on the upstream.
    package var id: RepositoryID
    /// Where it belongs.
    package var project: ProjectID
    /// The name as it appears in addresses.
    package var slug: String
    /// What people read.
    package var name: String
    /// What it is for; may be nil.
    package var description: String?
    /// Whether everybody may read it.
    package var isPublic: Bool
    /// Whether it may be forked.
    package var isForkable: Bool
    /// Whether it can only be read.
    package var isArchived: Bool
    /// Common to a repository and its forks.
    package var hierarchyID: String
    /// In milliseconds since 1970.
    package var createdMilliseconds: Int64
    /// The branch that HEAD names, in full.
    package var defaultBranch: String

    /// Everything that a mirror knows of a repository but its content.
    package init(
        id: RepositoryID, project: ProjectID, slug: String, name: String, description: String?,
        isPublic: Bool, isForkable: Bool, isArchived: Bool, hierarchyID: String, createdMilliseconds: Int64,
        defaultBranch: String
    ) {
        self.id = id
        self.project = project
        self.slug = slug
        self.name = name
        self.description = description
        self.isPublic = isPublic
        self.isForkable = isForkable
        self.isArchived = isArchived
        self.hierarchyID = hierarchyID
        self.createdMilliseconds = createdMilliseconds
        self.defaultBranch = defaultBranch
    }

    /// The repository's description for mirrors.
    package init(_ repository: Repository, defaultBranch: String) {
        self.init(
            id: repository.id, project: repository.project.id, slug: repository.slug, name: repository.name,
            description: repository.description, isPublic: repository.isPublic,
            isForkable: repository.isForkable, isArchived: repository.isArchived,
            hierarchyID: repository.hierarchyID, createdMilliseconds: repository.createdMilliseconds,
            defaultBranch: defaultBranch)
    }
}
