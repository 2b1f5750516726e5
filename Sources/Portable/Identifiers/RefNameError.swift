/// Why a text is no name of a ref.
package enum RefNameError: Error, Hashable, CustomStringConvertible {
    /// Empty, or nothing after the prefix.
    case empty
    /// Longer than 1024 bytes, or a component longer than 250 (a file name must hold it with `.lock`).
    case tooLong(bytes: Int)
    /// Does not begin with `refs/`.
    case outsideRefs
    /// A component is empty: two slashes in a row, or one at the end.
    case emptyComponent
    /// A component begins with this character.
    case badStart(Character)
    /// The name or a component ends in this.
    case badEnd(String)
    /// The name holds something that git forbids: `..`, `@{`, a space, a control character, one of `~^:?*[\`.
    case forbidden(String)

    /// The fact as a lower-case clause.
    package var description: String {
        switch self {
        case .empty: "ref name is empty"
        case .tooLong(let bytes): "ref name of \(bytes) bytes is too long (1024 in all, 250 between slashes)"
        case .outsideRefs: "ref name does not begin with refs/"
        case .emptyComponent: "ref name has nothing between or after slashes"
        case .badStart(let character): "ref name has a component that begins with \"\(character)\""
        case .badEnd(let end): "ref name has a component that ends in \"\(end)\""
        case .forbidden(let what): "ref name contains \(what)"
        }
    }
}
