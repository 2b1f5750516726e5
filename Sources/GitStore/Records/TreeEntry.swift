package import Portable

/// One line of a tree.
package struct TreeEntry: Sendable, Hashable {
    /// What an entry is.
    package enum Kind: String, Sendable, Hashable {
        /// A file, or a symbolic link (whose content is the link's target).
        case file
        /// A folder.
        case directory
        /// A commit of another repository.
        case submodule
    }

    /// The last component of the path; empty for the root.
    package var name: String
    /// What it is.
    package var kind: Kind
    /// The blob, tree or foreign commit.
    package var id: ObjectID
    /// The mode as git writes it: 0o100644, 0o100755, 0o120000 (symbolic link), 0o040000, 0o160000.
    package var mode: UInt32
    /// The size of a file in bytes; nil for anything else.
    package var size: Int64?

    /// Makes an entry.
    package init(name: String, kind: Kind, id: ObjectID, mode: UInt32, size: Int64? = nil) {
        self.name = name
        self.kind = kind
        self.id = id
        self.mode = mode
        self.size = size
    }
}

/// The content of a file, or its beginning.
package struct Blob: Sendable, Hashable {
    /// The content, at most as many bytes as were asked for.
    package var bytes: [UInt8]
    /// The size of the whole file in bytes.
    package var size: Int64
    /// Whether a NUL byte is among the first 8,000, which is git's own rule for "binary".
    package var isBinary: Bool

    /// Makes a blob.
    package init(bytes: [UInt8], size: Int64, isBinary: Bool) {
        self.bytes = bytes
        self.size = size
        self.isBinary = isBinary
    }

    /// Whether `bytes` is the whole file.
    package var isComplete: Bool { Int64(bytes.count) == size }
}
