package import Portable

/// Who made a commit or tag, and when.
package struct Signature: Sendable, Hashable {
    /// The name.
    package var name: String
    /// The e-mail address.
    package var email: String
    /// Milliseconds since 1970 (git keeps whole seconds).
    package var timestamp: Int64
    /// Minutes east of Greenwich.
    package var offsetMinutes: Int

    /// Makes a signature.
    package init(name: String, email: String, timestamp: Int64, offsetMinutes: Int = 0) {
        self.name = name
        self.email = email
        self.timestamp = timestamp
        self.offsetMinutes = offsetMinutes
    }
}

/// A commit without its tree's content.
package struct CommitRecord: Sendable, Hashable {
    /// The commit.
    package var id: ObjectID
    /// The root of its files.
    package var tree: ObjectID
    /// Its parents, first parent first.
    package var parents: [ObjectID]
    /// Who wrote the change.
    package var author: Signature
    /// Who made the commit.
    package var committer: Signature
    /// The whole message; bytes that are no UTF-8 are replaced.
    package var message: String

    /// Makes a record.
    package init(
        id: ObjectID, tree: ObjectID, parents: [ObjectID], author: Signature, committer: Signature,
        message: String
    ) {
        self.id = id
        self.tree = tree
        self.parents = parents
        self.author = author
        self.committer = committer
        self.message = message
    }
}

/// Which commits are listed.
package struct CommitQuery: Sendable, Hashable {
    /// What happens with commits of more than one parent.
    package enum Merges: Sendable, Hashable {
        /// They are listed like any other.
        case include
        /// They are left out.
        case exclude
        /// Only they are listed.
        case only
    }

    /// The commit to begin with; it is listed.
    package var until: ObjectID
    /// A commit that is not listed, nor is what it can reach.
    package var since: ObjectID?
    /// Only commits that change this file or folder, taken literally.
    package var path: String?
    /// What happens with merges.
    package var merges: Merges
    /// How many are passed over first; negative counts as 0.
    package var offset: Int
    /// How many are listed at most; negative counts as 0.
    package var limit: Int

    /// Makes a query.
    package init(
        until: ObjectID, since: ObjectID? = nil, path: String? = nil, merges: Merges = .include,
        offset: Int = 0,
        limit: Int = 25
    ) {
        self.until = until
        self.since = since
        self.path = path
        self.merges = merges
        self.offset = offset
        self.limit = limit
    }
}
