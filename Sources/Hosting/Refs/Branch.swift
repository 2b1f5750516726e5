package import Portable

/// A branch and where it points.
package struct Branch: Sendable, Hashable {
    /// The full name.
    package let name: RefName
    /// The commit at its tip.
    package let latestCommit: ObjectID
    /// Whether HEAD names it.
    package let isDefault: Bool
}

/// A tag and where it points.
package struct Tag: Sendable, Hashable {
    /// The full name.
    package let name: RefName
    /// What it names at last: the commit, or whatever object an odd tag names.
    package let latestCommit: ObjectID
    /// The tag object of an annotated tag; nil for a lightweight one.
    package let tagObject: ObjectID?
}

/// The default branch of a repository.
package enum DefaultBranch: Sendable, Hashable {
    /// It exists.
    case branch(Branch)
    /// HEAD names it, but there is no such branch.
    case missing(RefName, repositoryIsEmpty: Bool)
}
