package import Portable
package import SharedDatabase

/// Tasks of one bucket, oldest first, for one run of a processor.
package struct TaskBatch: Sendable {
    /// What they have in common.
    package let bucket: String
    /// At least one.
    package let tasks: [Item]
    /// Which attempt this is, from 1; one that a node's death cut short counts.
    package let attempt: Int
    /// For what is written while it is worked on: that it still is this node's to work on.
    package let fence: WriteFence

    /// One task.
    package struct Item: Sendable {
        /// Its place in the order of its bucket.
        package let number: Int64
        /// What was submitted.
        package let payload: PortableValue
        /// When it was submitted: milliseconds since 1970 by the database's clock.
        package let submittedAt: Int64
    }
}

/// What a processor wants to be written together with the completion of its batch: both happen, or neither.
package typealias TaskEffects = @Sendable (DatabaseTransaction) throws -> Void

/// Works on a batch. Returning means done; throwing means that it is tried again, or becomes dead letters.
///
/// The task that runs it is cancelled when the batch is this node's no longer.
package typealias TaskProcessor = @Sendable (TaskBatch) async throws -> TaskEffects?

/// Thrown by a processor that cannot work on a batch now, since what it belongs to ends or is replaced: the
/// batch is given back, and the attempt does not count.
package struct TaskNotTaken: Error, CustomStringConvertible {
    /// Nothing more is to be said.
    package init() {}

    /// The fact as a lower-case clause.
    package var description: String { "the processor was stopped before it began" }
}

/// A task that is to be submitted.
package struct NewTask: Sendable {
    /// Tasks of one bucket are worked on in their order and one batch at a time; 1 to 256 bytes without NUL.
    package var bucket: String
    /// Plain data of at most 64 KiB in its encoding.
    package var payload: PortableValue
    /// How long it is put off before it takes its place in the bucket; `nil` for not at all.
    package var delay: Duration?

    /// - Parameters:
    ///   - bucket: What has to be done in order.
    ///   - payload: Small, best an id.
    ///   - delay: How long it is put off.
    package init(bucket: String, payload: PortableValue, delay: Duration? = nil) {
        self.bucket = bucket
        self.payload = payload
        self.delay = delay
    }
}
