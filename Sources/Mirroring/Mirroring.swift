internal import GitStore
package import Hosting
package import Logging
package import NIOCore
package import Portable
package import SharedDatabase

/// What mirrors and their upstream need of each other. A server is an upstream unless it is a mirror itself.
package struct Mirroring: Sendable {
    /// On the upstream: which mirrors there are.
    package let registry: MirrorRegistry
    /// On the upstream: who may ask.
    package let gate: MirrorGate
    /// On the upstream: the open questions.
    package let links: MirrorLinks
    /// On the upstream: changes on their way.
    package let deliveries: Deliveries
    /// On the upstream: what there is.
    package let catalogue: UpstreamCatalogue
    /// On the upstream: objects.
    package let packs: MirrorPacks
    /// On a mirror: what it does; nil on an upstream.
    package let follower: MirrorFollower?
    /// On a mirror: what it serves others by; nil on an upstream.
    package let serving: MirrorServing?
    /// On the upstream: who mirrors' callers are.
    package let judge: CallerJudge
    private let database: SharedDatabase
    private let tidings: Tidings

    /// The tables of the module.
    package static let migrations: [Migration] = [
        Migration(
            name: "mirroring-0001-mirroring", sqlite: PackageResources._001_mirroring_sqlite_sql,
            postgres: PackageResources._001_mirroring_postgres_sql),
        Migration(
            name: "mirroring-0002-copies", sqlite: PackageResources._002_copies_sqlite_sql,
            postgres: PackageResources._002_copies_postgres_sql),
        Migration(
            name: "mirroring-0003-marks", sqlite: PackageResources._003_marks_sqlite_sql,
            postgres: PackageResources._003_marks_postgres_sql),
        Migration(
            name: "mirroring-0004-catch-up", sqlite: PackageResources._004_catch_up_sqlite_sql,
            postgres: PackageResources._004_catch_up_postgres_sql),
    ]

    /// - Parameter packsMax: How many packs are made for mirrors at a time.
    /// - Parameter followsPulls: Whether mirrors follow the refs of pull requests by themselves, and not only
    ///   along with pushes.
    /// - Parameter mirror: How this node mirrors another server; nil when it does not.
    /// - Throws: ``FarmIdentityError``, ``PeerError``.
    package init(
        hosting: Hosting, database: SharedDatabase, node: NodeID, packsMax: Int,
        followsPulls: Bool, mirror: MirrorSettings?, eventLoopGroup: any EventLoopGroup, logger: Logger
    ) throws {
        self.database = database
        let tables = MirrorDatabase(database: database)
        let bells = Bells()
        let deliveries = Deliveries(tables: tables, bells: bells)
        tidings = Tidings(bells: bells)
        registry = MirrorRegistry(tables: tables) {
            Task { try? await deliveries.announceCatalogue() }
        }
        gate = MirrorGate(tables: tables)
        links = MirrorLinks(tables: tables, bells: bells)
        self.deliveries = deliveries
        catalogue = UpstreamCatalogue(
            hosting: hosting, registry: registry, followsPulls: followsPulls)
        packs = MirrorPacks(hosting: hosting, limit: packsMax)
        follower = try mirror.map {
            try MirrorFollower(
                settings: $0, hosting: hosting, database: database, node: node,
                eventLoopGroup: eventLoopGroup, logger: logger)
        }
        serving = try follower.map {
            try MirrorServing(
                follower: $0, offline: $0.settings.rightsOffline, eventLoopGroup: eventLoopGroup)
        }
        let delegates = MirrorDelegates(gate: gate, catalogue: catalogue, packs: packs)
        judge = CallerJudge(hosting: hosting, delegates: delegates)
        if let serving {
            hosting.follow(serving.authority, serving.git)
        } else {
            hosting.setDelegates(delegates)
            let announcer = RightsAnnouncer(deliveries: deliveries, logger: logger)
            hosting.onAccessChange { announcer.note() }
        }
    }

    /// Who this upstream is.
    /// - Throws: ``MirroringError``.
    package func upstreamIdentity() async throws -> UpstreamIdentity {
        try await UpstreamIdentity.load(registry.tables)
    }

    /// What makes a link to a repository's resource on a mirror one that needs no other credentials.
    /// - Throws: ``MirroringError``.
    package func linkToken(
        to repository: RepositoryID, on mirror: MirrorID, for user: String?
    ) async throws -> String {
        try RepositoryLink(repository: repository, mirror: mirror, user: user, now: Clock.now)
            .sign(try await upstreamIdentity())
    }

    /// Brings changes of a repository to a mirror as one, and raises `mirror:repo_synchronized` when all of
    /// it shows them.
    /// - Throws: As ``Deliveries/deliver(_:of:to:wait:)``.
    package func deliver(
        _ kinds: [MirrorWork.Kind], of repository: RepositoryID, to mirror: MirrorID, wait: Duration
    ) async throws -> Delivery {
        let kind = MirrorWork.Kind.merged(kinds)
        let delivery = try await deliveries.deliver(
            kind, of: repository, to: mirror, pulls: await pulls(of: repository, along: kind), wait: wait)
        guard kind != .metadata, !delivery.nodes.isEmpty, let server = try? await registry.server(mirror)
        else { return delivery }
        var changes: [RefChange]?
        if case .refs(let list) = MirrorWork.Kind.merged(kinds.filter { $0 != .metadata }) { changes = list }
        try await catalogue.hosting.repositories.announceSynchronized(
            repository, mirror: mirror.rawValue, named: server.properties.name, changes: changes)
        return delivery
    }

    /// The refs of pull requests come along with what is pushed.
    /// - Source: "Troubleshooting Smart Mirroring", "Pull request refs are not synchronized".
    private func pulls(of repository: RepositoryID, along kind: MirrorWork.Kind) async -> String? {
        guard case .refs = kind else { return nil }
        let hosting = catalogue.hosting
        return try? await hosting.git.refDigests(in: hosting.layout.repository(repository)).pulls
    }

    /// Hears of what other nodes of the upstream write down.
    package func start() async throws {
        try await tidings.start(database)
        if follower == nil { try await deliveries.announce(.unknown) }
    }

    /// Ends what waits.
    package func stop() async {
        tidings.stop()
        await follower?.shutdown()
        await serving?.git.shutdown()
    }
}
