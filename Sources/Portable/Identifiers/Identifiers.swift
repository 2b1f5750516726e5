/// The number of a thing in a table; typed, so that a user's is never taken for a repository's.
package protocol NumericIdentifier: RawRepresentable, Sendable, Hashable, Codable, Comparable,
    CustomStringConvertible, ExpressibleByIntegerLiteral
where RawValue == Int64 {
    /// - Parameter rawValue: As the database gave it; never reused for another thing.
    init(rawValue: Int64)
}

extension NumericIdentifier {
    /// - Parameter rawValue: As the database gave it.
    package init(_ rawValue: Int64) { self.init(rawValue: rawValue) }

    /// A number written in the source, for tests.
    package init(integerLiteral value: Int64) { self.init(rawValue: value) }

    /// The number in decimal.
    package var description: String { String(rawValue) }

    /// Orders by number, which is the order of creation.
    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// Which project.
package struct ProjectID: NumericIdentifier {
    /// As the database gave it.
    package let rawValue: Int64
    /// - Parameter rawValue: As the database gave it.
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

/// Which repository; also its folder's name on disk.
package struct RepositoryID: NumericIdentifier {
    /// As the database gave it.
    package let rawValue: Int64
    /// - Parameter rawValue: As the database gave it.
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

/// Which user.
package struct UserID: NumericIdentifier {
    /// As the database gave it.
    package let rawValue: Int64
    /// - Parameter rawValue: As the database gave it.
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

/// Which group.
package struct GroupID: NumericIdentifier {
    /// As the database gave it.
    package let rawValue: Int64
    /// - Parameter rawValue: As the database gave it.
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

/// Which SSH key.
package struct SSHKeyID: NumericIdentifier {
    /// As the database gave it.
    package let rawValue: Int64
    /// - Parameter rawValue: As the database gave it.
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

/// Which HTTP access token.
package struct AccessTokenID: NumericIdentifier {
    /// As the database gave it.
    package let rawValue: Int64
    /// - Parameter rawValue: As the database gave it.
    package init(rawValue: Int64) { self.rawValue = rawValue }
}
