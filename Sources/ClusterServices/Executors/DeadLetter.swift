package import Portable

/// A task whose attempts are used up.
package struct DeadLetter: Sendable, Hashable {
    /// Grows with each one.
    package let id: Int64
    /// Whose executor it was submitted to.
    package let namespace: String
    /// The executor's name.
    package let executor: String
    /// The task's bucket.
    package let bucket: String
    /// What was submitted; `nil` as a value when it can no longer be read.
    package let payload: PortableValue
    /// How often it was tried.
    package let attempts: Int
    /// What the last attempt ended with.
    package let error: String
    /// Milliseconds since 1970 by the database's clock.
    package let submittedAt: Int64
    /// Milliseconds since 1970 by the database's clock.
    package let diedAt: Int64
}

/// What an executor holds at the moment, on all nodes.
package struct ExecutorOverview: Sendable, Hashable {
    /// Its number in the tables.
    package let id: Int64
    /// Whose it is.
    package let namespace: String
    /// Its name.
    package let name: String
    /// Tasks that have their place in a bucket, those that are worked on included.
    package let waiting: Int64
    /// Tasks that are not due yet.
    package let delayed: Int64
    /// Dead letters.
    package let dead: Int64
    /// Buckets that have tasks.
    package let buckets: Int64
    /// Buckets that a node works on.
    package let running: Int64
    /// Buckets that rest after a failed attempt.
    package let failing: Int64
    /// How long the oldest of the waiting tasks has waited, in milliseconds; `nil` when there is none.
    package let oldestAge: Int64?
}
