/// What is known of the database without asking it.
package enum DatabaseHealth: Sendable, Hashable {
    /// The last access that needed the server had an answer.
    case reachable
    /// It answers, and takes no changes.
    case readOnly
    /// It has not answered since then.
    case unreachable(since: ContinuousClock.Instant, reason: String)
}
