import Portable

/// One life of one node in the cluster: from a join to the end of that lease. Greater is younger.
///
/// The database's timeline is in the upper 23 bits, a count in the lower 40, so that none comes twice even
/// when the database loses its last commits in a failover.
package struct NodeIncarnation: NumericIdentifier {
    /// As the database gave it.
    package let rawValue: Int64
    /// - Parameter rawValue: As the database gave it.
    package init(rawValue: Int64) { self.rawValue = rawValue }
}
