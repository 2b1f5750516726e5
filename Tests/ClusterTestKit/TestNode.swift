package import ClusterServices
import Logging
package import SharedDatabase

/// One node's part in a cluster, within the test's process: a membership and locks, on a database of its own.
package final class TestNode: Sendable {
    /// The node's way to the database.
    package let database: SharedDatabase
    /// The node's lease.
    package let membership: Membership
    /// The node's locks.
    package let locks: LockService
    /// The node's own clock.
    package let clock: ManualBootClock
    private let ownsDatabase: Bool

    /// What a node needs of the tables.
    package static let migrations = Membership.migrations

    private init(
        _ test: TestDatabase, _ identity: NodeDescription, lease: Duration, url: String?
    ) throws {
        let database = try test.openAnother(url: url) { $0.poolSize = 4 }
        let clock = ManualBootClock()
        self.database = database
        self.clock = clock
        ownsDatabase = database !== test.database
        var logger = Logger(label: "test.\(identity.nodeID)")
        logger.logLevel = .critical
        membership = Membership(
            database: database, identity: identity, leaseDuration: lease, logger: logger, clock: clock.clock)
        locks = LockService(membership: membership, logger: logger)
    }

    /// A node that has joined.
    /// - Parameter url: Another way to the database, such as through a proxy.
    package static func join(
        _ test: TestDatabase, _ name: String, lease: Duration = .seconds(10), url: String? = nil,
        _ change: (inout NodeDescription) -> Void = { _ in }
    ) async throws -> TestNode {
        var identity = NodeDescription(nodeID: name, version: "1.0.0", sharedHomeID: "home")
        change(&identity)
        let node = try TestNode(test, identity, lease: lease, url: url)
        try await node.locks.start()
        do {
            try await node.membership.join()
        } catch {
            await node.leave()
            throw error
        }
        return node
    }

    /// An orderly stop.
    package func leave() async {
        locks.stop()
        await membership.leave()
        if ownsDatabase { await database.close() }
    }

    /// The end of a killed process, as far as others can see: its connections are gone. On SQLite, where
    /// there are none, nothing renews its lease from now on.
    package func die() async {
        await membership.abandon()
        if ownsDatabase { await database.close() }
    }
}
