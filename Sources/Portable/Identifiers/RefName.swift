/// The full name of a ref, such as `refs/heads/main`, that git accepts and that can never be taken for an
/// option.
///
/// At most 1024 bytes of UTF-8. Two names are equal when their bytes are; Unicode's equivalence does not
/// count.
/// - Source: git-check-ref-format(1).
package struct RefName: Sendable, CustomStringConvertible {
    /// The whole name, beginning with `refs/`.
    package let full: String

    /// Checks a full name.
    /// - Throws: ``RefNameError`` naming the first rule that is broken.
    package init(_ text: String) throws(RefNameError) {
        try RefName.check(text)
        full = text
    }

    /// The branch with this short name: `main` gives `refs/heads/main`.
    /// - Throws: ``RefNameError`` as the initializer does; also for `HEAD`, which git refuses as a branch.
    package static func branch(_ short: String) throws(RefNameError) -> RefName {
        guard !short.isEmpty else { throw .empty }
        guard short != "HEAD" else { throw .forbidden("the name HEAD for a branch") }
        return try RefName("refs/heads/" + short)
    }

    /// The tag with this short name: `v1` gives `refs/tags/v1`.
    /// - Throws: ``RefNameError`` as the initializer does.
    package static func tag(_ short: String) throws(RefNameError) -> RefName {
        guard !short.isEmpty else { throw .empty }
        return try RefName("refs/tags/" + short)
    }

    /// Whether the name lies below `refs/heads/`.
    package var isBranch: Bool { full.utf8.starts(with: "refs/heads/".utf8) }

    /// Whether the name lies below `refs/tags/`.
    package var isTag: Bool { full.utf8.starts(with: "refs/tags/".utf8) }

    /// The name without `refs/heads/` or `refs/tags/`; any other name in full.
    package var display: String {
        let prefixLength = isBranch ? 11 : isTag ? 10 : 0
        return String(decoding: full.utf8.dropFirst(prefixLength), as: UTF8.self)
    }

    /// The whole name.
    package var description: String { full }

    private static func check(_ text: String) throws(RefNameError) {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.count <= 1024 else { throw .tooLong(bytes: bytes.count) }
        guard bytes.starts(with: "refs/".utf8) else { throw .outsideRefs }
        guard bytes.count > 5 else { throw .empty }
        for (index, byte) in bytes.enumerated() {
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            switch byte {
            case 0..<0x20, 0x7f: throw .forbidden("a control character")
            case UInt8(ascii: " "): throw .forbidden("a space")
            case UInt8(ascii: "~"), UInt8(ascii: "^"), UInt8(ascii: ":"), UInt8(ascii: "?"),
                UInt8(ascii: "*"),
                UInt8(ascii: "["), UInt8(ascii: "\\"):
                throw .forbidden("\"\(Character(Unicode.Scalar(byte)))\"")
            case UInt8(ascii: ".") where next == UInt8(ascii: "."): throw .forbidden("\"..\"")
            case UInt8(ascii: "@") where next == UInt8(ascii: "{"): throw .forbidden("\"@{\"")
            default: break
            }
        }
        if bytes.last == UInt8(ascii: ".") { throw .badEnd(".") }
        for component in bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            try check(component: component)
        }
    }

    private static func check(component: ArraySlice<UInt8>) throws(RefNameError) {
        guard let first = component.first else { throw .emptyComponent }
        if first == UInt8(ascii: ".") { throw .badStart(".") }
        if first == UInt8(ascii: "-") { throw .badStart("-") }
        if component.count >= 5, component.suffix(5).elementsEqual(".lock".utf8) { throw .badEnd(".lock") }
        if component.count > 250 { throw .tooLong(bytes: component.count) }
    }
}

extension RefName: Hashable, Comparable {
    /// Compares bytes.
    package static func == (lhs: RefName, rhs: RefName) -> Bool { lhs.full.utf8.elementsEqual(rhs.full.utf8) }

    /// Orders by bytes, as git sorts refs.
    package static func < (lhs: RefName, rhs: RefName) -> Bool {
        lhs.full.utf8.lexicographicallyPrecedes(rhs.full.utf8)
    }

    /// Hashes the bytes.
    package func hash(into hasher: inout Hasher) {
        var text = full
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(0xff as UInt8)
    }
}

extension RefName: Codable {
    /// Decodes a full name.
    /// - Throws: `DecodingError` when the text is no ref name.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            try self.init(try container.decode(String.self))
        } catch let error as RefNameError {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    /// Encodes the full name.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(full)
    }
}
