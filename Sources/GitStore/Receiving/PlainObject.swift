import CGit2
import Portable

/// Reads commits and trees of which git's fsck certainly has nothing to say.
///
/// It knows less than git: what it does not take may be sound all the same, and is for git to judge.
/// - Source: git-fsck(1), "FSCK MESSAGES".
struct PlainObject {
    /// What the object refers to, with the types that it must have.
    private(set) var links: [(id: ObjectID, type: git_object_t)] = []
    /// Files of attributes, whose content git looks at too.
    private(set) var attributes: [ObjectID] = []

    private typealias Bytes = Slice<UnsafeRawBufferPointer>

    /// - Returns: nil for what only git can judge.
    init?(_ type: git_object_t, _ bytes: UnsafeRawBufferPointer) {
        let isPlain =
            switch type {
            case GIT_OBJECT_BLOB: true
            case GIT_OBJECT_COMMIT: readCommit(bytes[...])
            case GIT_OBJECT_TREE: readTree(bytes[...])
            default: false
            }
        guard isPlain else { return nil }
    }

    // MARK: Commits

    private mutating func readCommit(_ bytes: Bytes) -> Bool {
        var rest = bytes
        guard !bytes.contains(0), let tree = Self.id(&rest, after: "tree ") else { return false }
        links.append((tree, GIT_OBJECT_TREE))
        while let parent = Self.id(&rest, after: "parent ") { links.append((parent, GIT_OBJECT_COMMIT)) }
        guard Self.skip("author ", &rest), Self.skipPerson(&rest), Self.skip("committer ", &rest),
            Self.skipPerson(&rest)
        else { return false }
        // More headers may follow, and then an empty line.
        while let first = rest.popFirst() {
            if first == UInt8(ascii: "\n") { return true }
            guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return false }
            rest = rest[(end + 1)...]
        }
        return false
    }

    private static func skip(_ text: StaticString, _ rest: inout Bytes) -> Bool {
        let length = text.utf8CodeUnitCount
        guard rest.prefix(length).elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: length))
        else { return false }
        rest = rest.dropFirst(length)
        return true
    }

    private static func id(_ rest: inout Bytes, after text: StaticString) -> ObjectID? {
        var line = rest
        guard skip(text, &line), let id = ObjectID(hexBytes: line.prefix(40)),
            !line.prefix(40).contains(where: { (0x41...0x46).contains($0) })
        else { return nil }
        line = line.dropFirst(40)
        guard line.popFirst() == UInt8(ascii: "\n") else { return nil }
        rest = line
        return id
    }

    /// Goes over `Name <address> 1234567890 +0100`, with the end of the line.
    private static func skipPerson(_ rest: inout Bytes) -> Bool {
        func isMark(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "<") || byte == UInt8(ascii: ">") || byte == UInt8(ascii: "\n")
        }
        let name = rest.prefix { !isMark($0) }
        guard name.last == UInt8(ascii: " ") else { return false }
        rest = rest.dropFirst(name.count)
        guard rest.popFirst() == UInt8(ascii: "<") else { return false }
        rest = rest.drop { !isMark($0) }
        guard skip("> ", &rest) else { return false }
        let date = rest.prefix(while: isDigit)
        guard (1...10).contains(date.count), date.count == 1 || date.first != UInt8(ascii: "0") else {
            return false
        }
        rest = rest.dropFirst(date.count)
        guard skip(" +", &rest) || skip(" -", &rest), rest.prefix(4).allSatisfy(isDigit), rest.count > 4
        else { return false }
        rest = rest.dropFirst(4)
        return rest.popFirst() == UInt8(ascii: "\n")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    // MARK: Trees

    private mutating func readTree(_ bytes: Bytes) -> Bool {
        var rest = bytes
        var order = TreeOrder()
        while !rest.isEmpty {
            guard let space = rest.prefix(7).firstIndex(of: UInt8(ascii: " ")),
                let kind = EntryKind(rest[..<space])
            else { return false }
            rest = rest[(space + 1)...]
            guard let end = rest.prefix(Self.nameMax + 1).firstIndex(of: 0) else { return false }
            let name = rest[..<end]
            rest = rest[(end + 1)...]
            guard let id = ObjectID(bytes: rest.prefix(20)), !id.isZero,
                Self.isPlain(name, kind), order.takes(name, isTree: kind == .tree)
            else { return false }
            rest = rest.dropFirst(20)
            if let type = kind.type { links.append((id, type)) }
            if name.elementsEqual(".gitattributes".utf8) { attributes.append(id) }
        }
        return true
    }

    /// Git takes 4,096 bytes.
    private static let nameMax = 1024

    private enum EntryKind {
        case file, tree, link, module

        init?(_ mode: Bytes) {
            if mode.elementsEqual("100644".utf8) || mode.elementsEqual("100755".utf8) {
                self = .file
            } else if mode.elementsEqual("40000".utf8) {
                self = .tree
            } else if mode.elementsEqual("120000".utf8) {
                self = .link
            } else if mode.elementsEqual("160000".utf8) {
                self = .module
            } else {
                return nil
            }
        }

        /// nil for a commit of another repository, which need not be here.
        var type: git_object_t? {
            switch self {
            case .file, .link: GIT_OBJECT_BLOB
            case .tree: GIT_OBJECT_TREE
            case .module: nil
            }
        }
    }

    /// Whether no system takes the name for one of git's own, or for a place elsewhere.
    private static func isPlain(_ name: Bytes, _ kind: EntryKind) -> Bool {
        // 0xE2 and 0xEF begin characters that one file system leaves out of names.
        let isDoubtful = name.contains { byte in
            byte < 0x20 || byte == 0x7F || byte == 0xE2 || byte == 0xEF || #"/\:~"#.utf8.contains(byte)
        }
        guard !isDoubtful, let first = name.first else { return false }
        guard first == UInt8(ascii: ".") else { return true }
        guard kind != .link, name.count > 2 else { return false }
        guard name.prefix(4).map({ $0 | 0x20 }).elementsEqual(".git".utf8) else { return true }
        if kind == .file, name.elementsEqual(".gitattributes".utf8) || name.elementsEqual(".gitignore".utf8) {
            return true
        }
        // `.github`, `.gitkeep`, but nothing like `.git `, `.GITMODULES`.
        guard let fifth = name.dropFirst(4).first.map({ $0 | 0x20 }) else { return false }
        return (0x61...0x7A).contains(fifth) && !"aim".utf8.contains(fifth)
    }

    /// Whether a file of attributes is one that git reads: it has limits for such files and their lines.
    static func areAttributes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count <= 64 * 1024
            && bytes.split(separator: UInt8(ascii: "\n")).allSatisfy { $0.count < attributeLineMax }
    }

    private static let attributeLineMax = 2048

    /// Whether the names of a tree follow each other as git has them, each once.
    private struct TreeOrder {
        private var last: Entry?
        /// Files whose names a folder that follows may have.
        private var files: [Bytes] = []

        mutating func takes(_ name: Bytes, isTree: Bool) -> Bool {
            let entry = Entry(name: name, isTree: isTree)
            if let last, !last.isBefore(entry) { return false }
            last = entry
            while let file = files.last, !name.starts(with: file) { files.removeLast() }
            if isTree { return files.last.map { $0.count < name.count } ?? true }
            files.append(name)
            return true
        }

        private struct Entry {
            let name: Bytes
            let isTree: Bool

            /// Whether it comes before another, as if folders' names ended with a slash.
            func isBefore(_ other: Entry) -> Bool {
                for (own, theirs) in zip(name, other.name) where own != theirs { return own < theirs }
                let count = min(name.count, other.name.count)
                return end(count) < other.end(count)
            }

            private func end(_ count: Int) -> UInt8 {
                name.dropFirst(count).first ?? (isTree ? UInt8(ascii: "/") : 0)
            }
        }
    }
}
