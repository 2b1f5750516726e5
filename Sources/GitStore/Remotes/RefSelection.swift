import Portable

/// Which refs are meant: patterns such as `refs/heads/*`, full names, and those with `^` in front left out.
package struct RefSelection: Sendable, Hashable {
    private let included: [String]
    private let excluded: [String]

    /// Branches and tags.
    package static let usual = RefSelection(
        included: ["refs/heads/*", "refs/tags/*"], excluded: [GitEnvironment.hiddenRefsPrefix + "/*"])

    private init(included: [String], excluded: [String]) {
        self.included = included
        self.excluded = excluded
    }

    /// - Parameter patterns: Full names with at most one `*`, which stands for any text.
    /// - Throws: ``GitStoreError/invalidName(_:)`` with the first that is none.
    package init(_ patterns: [String]) throws {
        var included: [String] = []
        var excluded = Self.usual.excluded
        for text in patterns {
            let isExclusion = text.hasPrefix("^")
            let name = isExclusion ? String(text.dropFirst()) : text
            // A star stands where a letter could; the rest must be a name.
            guard name.utf8.count(where: { $0 == 0x2A }) <= 1,
                (try? RefName(name.replacing("*", with: "x"))) != nil, !GitStore.isHidden(name)
            else { throw GitStoreError.invalidName(text) }
            if isExclusion { excluded.append(name) } else { included.append(name) }
        }
        self.init(included: included, excluded: excluded)
    }

    /// Whether a ref is meant.
    func contains(_ name: String) -> Bool {
        included.contains { Self.fits(name, $0) } && !excluded.contains { Self.fits(name, $0) }
    }

    /// Whether a pattern with a star covers the ref.
    func coversByPattern(_ name: String) -> Bool {
        included.contains { $0.contains("*") && Self.fits(name, $0) }
    }

    /// What `git push` is told.
    /// - Parameter isHere: Git refuses a plain name that it does not find.
    func refspecs(force: Bool, isHere: (String) -> Bool) -> [String] {
        let sources = included.filter { $0.contains("*") || isHere($0) && contains($0) }
        guard !sources.isEmpty else { return [] }
        return sources.map { "\(force ? "+" : "")\($0):\($0)" } + excluded.map { "^" + $0 }
    }

    private static func fits(_ name: String, _ pattern: String) -> Bool {
        guard let star = pattern.utf8.firstIndex(of: 0x2A) else {
            return Array(name.utf8) == Array(pattern.utf8)
        }
        let (before, after) = (pattern.utf8[..<star], pattern.utf8[pattern.utf8.index(after: star)...])
        return name.utf8.count >= before.count + after.count && name.utf8.starts(with: before)
            && name.utf8.reversed().starts(with: after.reversed())
    }
}
