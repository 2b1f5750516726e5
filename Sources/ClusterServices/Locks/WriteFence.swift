package import SharedDatabase

/// What a write depends on besides what it changes: checked in the transaction of the write, so that a holder
/// who has lost what it held does not write any more.
package struct WriteFence: Sendable {
    private let check: @Sendable (DatabaseTransaction) throws -> Void

    /// - Parameter check: Throws ``LockError`` when the write is too late.
    init(_ check: @escaping @Sendable (DatabaseTransaction) throws -> Void) {
        self.check = check
    }

    /// That no write to the same thing has come with a greater token; this one is the greatest from then on.
    /// - Parameters:
    ///   - namespace: Whose thing.
    ///   - resource: Which thing.
    ///   - token: A fencing token, of whichever lock the thing's users have agreed on.
    package static func token(namespace: String, resource: String, token: Int64) -> WriteFence {
        WriteFence { try $0.checkFence(namespace: namespace, resource: resource, token: token) }
    }

    /// Refuses to go on when the write is too late.
    /// - Throws: ``LockError``; `DatabaseError`.
    package func check(in transaction: DatabaseTransaction) throws { try check(transaction) }
}
