package import Portable

/// One ref that moves from one object to another.
package struct RefChange: Sendable, Hashable {
    /// The ref.
    package let ref: RefName
    /// What it named before; zero when it did not exist.
    package let from: ObjectID
    /// What it names then; zero when it is deleted.
    package let to: ObjectID

    /// A move of `ref`.
    package init(ref: RefName, from: ObjectID, to: ObjectID) {
        self.ref = ref
        self.from = from
        self.to = to
    }

    /// What happens to the ref.
    package var kind: RefChangeKind {
        if from.isZero { return .add }
        return to.isZero ? .delete : .update
    }
}

/// What happens to a ref; the raw value is what clients see.
package enum RefChangeKind: String, Sendable, Hashable {
    /// It is made.
    case add = "ADD"
    /// It moves.
    case update = "UPDATE"
    /// It goes.
    case delete = "DELETE"
}

extension Collection where Element == RefChange {
    /// What the refs name afterwards, each object once.
    package var tips: [ObjectID] { Array(Set(map(\.to).filter { !$0.isZero })) }
}
