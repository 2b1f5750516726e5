/// A version as `major.minor.patch` with an optional pre-release part, ordered as semver.org says.
package struct SemanticVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Grows with changes that break something.
    package let major: Int
    /// Grows with additions.
    package let minor: Int
    /// Grows with repairs.
    package let patch: Int
    /// What stands after the `-`, split at dots; empty for a release.
    package let prerelease: [String]

    /// - Returns: `nil` unless the text has three numbers without leading zeros, then perhaps `-` and dotted
    ///   identifiers of letters, digits and hyphens. At most 64 bytes; build metadata (`+...`) is refused.
    package init?(_ text: some StringProtocol) {
        let text = String(text)
        guard text.utf8.count <= 64 else { return nil }
        let halves = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = halves[0].split(separator: ".", omittingEmptySubsequences: false).map(Self.number)
        guard numbers.count == 3, let major = numbers[0], let minor = numbers[1], let patch = numbers[2]
        else {
            return nil
        }
        var prerelease: [String] = []
        if halves.count == 2 {
            prerelease = halves[1].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            guard prerelease.allSatisfy(Self.isIdentifier) else { return nil }
        }
        (self.major, self.minor, self.patch, self.prerelease) = (major, minor, patch, prerelease)
    }

    /// As it was written.
    package var description: String {
        let release = "\(major).\(minor).\(patch)"
        return prerelease.isEmpty ? release : "\(release)-\(prerelease.joined(separator: "."))"
    }

    /// The order of semver.org, section 11.
    package static func < (left: SemanticVersion, right: SemanticVersion) -> Bool {
        let leftNumbers = [left.major, left.minor, left.patch]
        let rightNumbers = [right.major, right.minor, right.patch]
        if leftNumbers != rightNumbers { return leftNumbers.lexicographicallyPrecedes(rightNumbers) }
        if left.prerelease.isEmpty || right.prerelease.isEmpty {
            return !left.prerelease.isEmpty && right.prerelease.isEmpty
        }
        return left.prerelease.lexicographicallyPrecedes(right.prerelease) { first, second in
            switch (Int(first), Int(second)) {
            case (let first?, let second?): first < second
            case (_?, nil): true
            case (nil, _?): false
            case (nil, nil): first < second
            }
        }
    }

    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return text.count > 1 && text.first == "0" ? nil : Int(text)
    }

    private static func isIdentifier(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || byte == 45
            }
    }
}
