import ClusterServices
import HostAPI
import Hosting
import Logging
import Portable
import SharedDatabase

/// The node's part in the cluster, made but not started. A node on a file of its own is a cluster of one.
struct ClusterParts: Sendable {
    let membership: Membership
    let locks: LockService
    let executors: ExecutorService
    let jobs: JobScheduler
    let caches: CacheService
    let topics: TopicService
    private let events: MembershipEvents
    /// Connections for the lease alone, so that it does not wait for others' work; `nil` on SQLite.
    private let ownDatabase: SharedDatabase?

    init(
        _ configuration: NodeConfiguration, _ layout: HomeLayout, _ id: NodeID, database: SharedDatabase,
        events: EventBus
    ) throws {
        let logger = Logger(label: "perigee.cluster")
        let identity = NodeDescription(
            nodeID: id.rawValue, name: configuration.cluster.name ?? NodeOrigin.hostName,
            address: configuration.cluster.address ?? configuration.server.reachableAddress,
            version: Release.version, sharedHomeID: try SharedHomeIdentity.load(shared: layout.shared),
            origin: NodeOrigin.of(home: layout.home))
        ownDatabase = try configuration.database.map { settings in
            var settings = settings
            settings.poolSize = 2
            return try SharedDatabase.openPostgres(settings, logger: logger)
        }
        membership = Membership(
            database: ownDatabase ?? database, identity: identity, leaseDuration: configuration.cluster.lease,
            logger: logger)
        locks = LockService(
            membership: membership, database: database, logger: Logger(label: "perigee.locks"))
        executors = ExecutorService(
            database: database, membership: membership, logger: Logger(label: "perigee.executors"))
        jobs = JobScheduler(
            database: database, membership: membership, logger: Logger(label: "perigee.jobs"))
        caches = CacheService(database: database, logger: Logger(label: "perigee.cache"))
        topics = TopicService(
            database: database, node: identity.name, logger: Logger(label: "perigee.topic"))
        self.events = MembershipEvents(membership: membership, events: events)
    }

    /// What plugins are given of it.
    var plugins: ClusterAPIs {
        ClusterAPIs(
            locks: locks, executors: executors, jobs: jobs, caches: caches, topics: topics,
            membership: membership)
    }

    /// Joins the cluster; then locks are served.
    /// - Throws: ``ClusterError`` with what differs from the cluster; `DatabaseError`.
    func start() async throws {
        try await locks.start()
        events.start()
        try await membership.join()
        try await executors.start()
        jobs.start()
        caches.start()
        topics.start()
    }

    /// Gives back what is held, and leaves.
    func stop() async {
        await topics.stop()
        await caches.stop()
        await jobs.stop(within: .seconds(10))
        await executors.stop()
        events.stop()
        locks.stop()
        await membership.leave()
        await ownDatabase?.close()
    }
}

extension NodeConfiguration.Server {
    /// Where other machines reach this one, where the address says so; else by the machine's name.
    fileprivate var reachableAddress: String {
        switch address {
        case "", "0.0.0.0", "::", "[::]", "127.0.0.1", "localhost", "::1", "[::1]": NodeOrigin.hostName
        default: address
        }
    }
}
