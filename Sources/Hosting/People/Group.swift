package import Portable

/// A named set of users that permissions can be granted to.
package struct Group: Sendable, Hashable {
    /// Never reused.
    package let id: GroupID
    /// Unique without regard to case.
    package let name: String

    /// The group that users join when they are made; it is granted LICENSED_USER.
    package static let everybody = "perigee-users"
}
