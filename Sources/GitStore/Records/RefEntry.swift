package import Portable

/// A ref as it is stored.
package struct RefEntry: Sendable, Hashable {
    /// The full name.
    package var name: RefName
    /// The object it names; of a symbolic ref, the object at the end of the chain.
    package var target: ObjectID
    /// The object behind an annotated tag, however deep; nil when the target is no tag.
    package var peeled: ObjectID?

    /// Makes an entry.
    package init(name: RefName, target: ObjectID, peeled: ObjectID? = nil) {
        self.name = name
        self.target = target
        self.peeled = peeled
    }

    /// The target with every tag taken off.
    package var object: ObjectID { peeled ?? target }
}

/// In which order refs are listed.
package enum RefOrder: Sendable, Hashable {
    /// By the bytes of the full name.
    case alphabetical
    /// The latest commit first (by committer time, of tags by the tagged commit's); equal times by name.
    case modification
}

/// What HEAD says.
package enum HeadState: Sendable, Hashable {
    /// HEAD names this branch; `exists` is false before the first push to it.
    case branch(RefName, exists: Bool)
    /// HEAD names a commit itself, which only foreign repositories do.
    case detached(ObjectID)
}

/// One ref's change within a transaction.
package struct RefUpdate: Sendable, Hashable {
    /// The ref.
    package var name: RefName
    /// The value it must have now; zero: it must not exist.
    package var old: ObjectID
    /// The value it gets; zero: it is deleted.
    package var new: ObjectID

    /// Makes a change.
    package init(name: RefName, old: ObjectID, new: ObjectID) {
        self.name = name
        self.old = old
        self.new = new
    }
}

/// What a protocol v2 client asks of `ls-refs`.
package struct LsRefsRequest: Sendable, Hashable {
    /// Tell what annotated tags point to.
    package var peel: Bool
    /// Tell what symbolic refs point to.
    package var symrefs: Bool
    /// Tell of a HEAD whose branch is not yet there.
    package var unborn: Bool
    /// Only refs that begin with one of these; empty: all.
    package var prefixes: [String]

    /// Makes a request.
    package init(peel: Bool = false, symrefs: Bool = false, unborn: Bool = false, prefixes: [String] = []) {
        self.peel = peel
        self.symrefs = symrefs
        self.unborn = unborn
        self.prefixes = prefixes
    }
}
