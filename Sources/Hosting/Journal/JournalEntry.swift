package import Portable

/// One change of refs as the journal keeps it.
package struct JournalEntry: Sendable, Hashable {
    /// Grows with every row of this database.
    package let id: Int64
    /// Which change it is; also the id of its event.
    package let push: PushID
    /// Where.
    package let repository: RepositoryID
    /// Who; nil for the server itself.
    package let user: UserID?
    /// How it came about.
    package let trigger: PushTrigger
    /// What is to happen, or has happened once it is confirmed.
    package let changes: [RefChange]
    /// How far it is.
    package let state: JournalState
    /// When it was confirmed, in milliseconds since 1970 by the database's clock.
    package let confirmedMilliseconds: Int64?
}

/// How far a change of refs is; the raw value is what is stored.
package enum JournalState: String, Sendable, Hashable {
    /// Git may be moving the refs.
    case intended
    /// The refs have moved, durably; the client may be told.
    case confirmed
    /// Every subscriber of the event has finished.
    case delivered
}
