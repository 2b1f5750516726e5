import Hosting

/// The project and the repository that a URL below `/scm` names.
///
/// Only a name for the database: no path on disk is ever made of it.
struct GitAddress: Sendable, Equatable {
    /// The project's key, `~user` for a personal project; any case.
    let projectKey: String
    /// The repository's slug without `.git`; any case.
    let slug: String

    /// Reads the two path components as they stand in the URL.
    /// - Throws: ``HostingError/noSuchRepository(project:slug:)`` for what no repository could be named:
    ///   broken
    ///   percent-encoding, control characters, slashes, backslashes, dots alone, more than 256 bytes.
    init(project: Substring, repository: Substring) throws(HostingError) {
        guard let projectKey = Self.decoded(project), let slug = Self.decoded(repository) else {
            throw .noSuchRepository(project: Self.shown(project), slug: Self.shown(repository))
        }
        try self.init(projectKey: projectKey, slug: slug)
    }

    /// Reads a path as a client of SSH gives it, which has decoded it: `/project/repository.git`,
    /// `~user/repository`.
    /// - Throws: As for URLs.
    init(sshPath path: String) throws(HostingError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let named = parts.first?.isEmpty == true ? parts.dropFirst() : parts[...]
        guard named.count == 2, let project = named.first, let slug = named.last,
            Self.isPlain(project.utf8), Self.isPlain(slug.utf8)
        else { throw .noSuchRepository(project: "", slug: Self.shown(path[...])) }
        try self.init(projectKey: String(project), slug: String(slug))
    }

    private init(projectKey: String, slug: String) throws(HostingError) {
        var slug = slug
        if slug.hasSuffix(".git") { slug.removeLast(4) }
        guard !slug.isEmpty, slug != ".", slug != "..", projectKey != ".", projectKey != ".." else {
            throw .noSuchRepository(project: Self.shown(projectKey[...]), slug: Self.shown(slug[...]))
        }
        self.projectKey = projectKey
        self.slug = slug
    }

    private static let bytesMax = 256

    private static func decoded(_ component: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = component.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexDigit), let low = rest.popFirst().flatMap(hexDigit)
            else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        guard isPlain(bytes) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func isPlain(_ bytes: some Collection<UInt8>) -> Bool {
        (1...bytesMax).contains(bytes.count)
            && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7f && $0 != 0x2f && $0 != 0x5c }
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }

    /// The component for an error message: short, printable.
    private static func shown(_ component: Substring) -> String {
        String(
            component.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f }.prefix(100).map(
                Character.init))
    }
}
