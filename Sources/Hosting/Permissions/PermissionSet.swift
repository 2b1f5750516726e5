/// A set of permissions, as bits.
package struct PermissionSet: Sendable, Hashable {
    private var bits: UInt32

    /// No permission at all.
    package static let none = PermissionSet(bits: 0)
    /// Every permission.
    package static let all = PermissionSet(Permission.allCases)

    /// The permissions given, without what they imply.
    package init(_ permissions: some Sequence<Permission>) {
        bits = permissions.reduce(0) { $0 | Self.bit($1) }
    }

    /// The permissions given, without what they imply.
    package init(_ permissions: Permission...) { self.init(permissions) }

    private init(bits: UInt32) { self.bits = bits }

    /// Whether the permission is in the set itself; use ``closed`` first to include what is implied.
    package func contains(_ permission: Permission) -> Bool { bits & Self.bit(permission) != 0 }

    /// The set with everything that its members imply.
    package var closed: PermissionSet {
        var result = PermissionSet.none
        for (index, closure) in Self.closures.enumerated() where bits & (1 << UInt32(index)) != 0 {
            result.bits |= closure
        }
        return result
    }

    /// What is in either set.
    package func union(_ other: PermissionSet) -> PermissionSet { PermissionSet(bits: bits | other.bits) }

    /// What is in both sets.
    package func intersection(_ other: PermissionSet) -> PermissionSet {
        PermissionSet(bits: bits & other.bits)
    }

    /// The members, in the order of ``Permission``.
    package var permissions: [Permission] { Permission.allCases.filter(contains) }

    private static func bit(_ permission: Permission) -> UInt32 {
        1 << UInt32(Permission.allCases.firstIndex(of: permission) ?? 31)
    }

    /// For each permission in order, the bits of itself and of all that it implies.
    private static let closures: [UInt32] = Permission.allCases.map { permission in
        var seen: UInt32 = 0
        var open = [permission]
        while let next = open.popLast() {
            guard seen & bit(next) == 0 else { continue }
            seen |= bit(next)
            open += next.impliesDirectly
        }
        return seen
    }
}
