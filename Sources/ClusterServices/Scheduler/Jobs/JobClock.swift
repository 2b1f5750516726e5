package import SharedDatabase

/// Where the scheduler has its time from: the database, in the transaction that decides.
package struct JobClock: Sendable {
    private let read: @Sendable (DatabaseTransaction) throws -> Int64

    /// - Parameter read: Gives milliseconds since 1970.
    package init(_ read: @escaping @Sendable (DatabaseTransaction) throws -> Int64) {
        self.read = read
    }

    /// The database's clock.
    package static let database = JobClock { try $0.now() }

    func now(_ transaction: DatabaseTransaction) throws -> Int64 { try read(transaction) }
}
