/// Why and since when a plugin is run by no node: runs of it kept being ended.
package struct Quarantine: Sendable, Hashable {
    /// What happened, as a lower-case clause.
    package let reason: String
    /// The node that saw it; empty when it is not known.
    package let node: String
    /// When, in milliseconds since 1970 by the database's clock.
    package let since: Int64
}
