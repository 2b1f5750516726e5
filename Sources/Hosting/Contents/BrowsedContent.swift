package import GitStore
package import Portable

/// What was found at a path.
package enum BrowsedContent: Sendable {
    /// A folder, with a page of what is in it.
    case directory(path: String, revision: String, entries: Page<TreeEntry>)
    /// A text file, with a page of its lines, each without its line end.
    case text(lines: Page<String>, size: Int64)
    /// A file that is not text, or too large to be shown as lines.
    case binary(size: Int64)
    /// A commit of another repository.
    case submodule(ObjectID)
}
