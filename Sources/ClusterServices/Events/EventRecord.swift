package import Portable
package import SharedDatabase

/// An event as the log keeps it.
package struct EventRecord: Sendable, Hashable {
    /// Where it stands among the events of its node; grows in the order of commits.
    package let position: Int64
    /// Unique for ever.
    package let id: String
    /// What kind of thing.
    package let key: String
    /// The repository concerned, or `nil`.
    package let repository: RepositoryID?
    /// The facts; `nil` when the event is made from other tables.
    package let payload: PortableValue?
}

/// Who writes events into the log, and makes whole what it left out there.
package protocol EventSource: Sendable {
    /// The event of a record; `nil` when it concerns nobody any more.
    /// - Throws: What keeps the record from being read; it is then left out for good, unless the database
    ///   is at fault.
    func event(for record: EventRecord, in transaction: DatabaseTransaction) throws -> Event?

    /// Notes, in the transaction that removes them from the log, that every subscriber has finished with
    /// these.
    /// - Parameter records: Without their payloads.
    func finished(_ records: [EventRecord], in transaction: DatabaseTransaction) throws
}

/// An event with its place in the log.
struct StoredEvent: Sendable {
    let position: Int64
    let event: Event
}

/// What the log holds after one position and up to another, for some keys.
struct EventBatch: Sendable {
    let events: [StoredEvent]
    let from: Int64
    let to: Int64
    /// The keys that were asked for; of others nothing is there.
    let keys: Set<String>
    /// Whether there is more after `to`.
    let isCut: Bool
}
