/// The version of a `git` program, as `git version` tells it.
package struct GitVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The oldest version that is accepted: 2.39.1 ends a family of remote code executions (CVE-2022-41903,
    /// -23521).
    package static let oldestSupported = GitVersion(major: 2, minor: 39, patch: 1)

    /// The first number.
    package let major: Int
    /// The second number.
    package let minor: Int
    /// The third number; 0 when there is none.
    package let patch: Int

    /// Makes a version of three numbers.
    package init(major: Int, minor: Int, patch: Int) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    /// Reads the answer of `git version`, such as `git version 2.39.5 (vendor-1)`; nil when it is something
    /// else.
    package init?(answer: String) {
        let words = answer.split(whereSeparator: \.isWhitespace)
        guard words.count >= 3, words[0] == "git", words[1] == "version" else { return nil }
        let numbers = words[2].split(separator: ".").map { Int($0.prefix { $0.isNumber }) }
        guard numbers.count >= 2, let major = numbers[0], let minor = numbers[1] else { return nil }
        self.init(major: major, minor: minor, patch: numbers.count > 2 ? numbers[2] ?? 0 : 0)
    }

    /// `2.39.5`.
    package var description: String { "\(major).\(minor).\(patch)" }

    /// Orders by the three numbers.
    package static func < (left: GitVersion, right: GitVersion) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }
}
