package import ClusterServices
package import GitStore
package import Logging
package import Portable
package import SharedDatabase

/// All services of the domain: who owns what, and what changed.
package struct Hosting: Sendable {
    /// Where everything lies.
    package let layout: HomeLayout
    /// What the operator chose.
    package let settings: HostingSettings
    /// The git side of repositories.
    package let git: GitStore
    /// Users.
    package let users: Users
    /// Groups.
    package let groups: Groups
    /// Who a caller is.
    package let authenticator: Authenticator
    /// Who may do what.
    package let permissions: Permissions
    /// Projects.
    package let projects: Projects
    /// Repositories.
    package let repositories: Repositories
    /// Access tokens.
    package let tokens: AccessTokens
    /// SSH keys.
    package let keys: SSHKeys
    /// Branches and tags.
    package let refs: Refs
    /// Commits, folders and files.
    package let contents: Contents
    /// Pushes that are going on.
    package let pushes: Pushes
    /// Packs of small pushes that were just accepted.
    package var pushedPacks: PushedPacks { services.pushedPacks }
    /// Pushes to foreign servers.
    package let outgoing: OutgoingPushes
    /// What happened to refs.
    package let journal: RefChangeJournal
    /// How many hosting operations run at a time.
    package let tickets: HostingTickets
    let services: Services

    /// Makes the services; nothing happens before ``start()``.
    /// - Parameter database: Migrated with ``migrations`` before ``start()``.
    /// - Parameter node: Names this node in the journal; the same at every start of this home.
    package init(
        layout: HomeLayout, database: SharedDatabase, git: GitStore, events: EventBus, node: NodeID,
        settings: HostingSettings, logger: Logger
    ) {
        let services = Services(
            layout: layout, database: database, git: git, events: events, node: node, settings: settings,
            logger: logger)
        self.services = services
        self.layout = layout
        self.settings = settings
        self.git = git
        users = Users(services: services)
        groups = Groups(services: services)
        authenticator = Authenticator(services: services)
        permissions = Permissions(services: services)
        projects = Projects(services: services)
        repositories = Repositories(services: services)
        tokens = AccessTokens(services: services)
        keys = SSHKeys(services: services)
        refs = Refs(services: services)
        contents = Contents(services: services)
        pushes = Pushes(services: services)
        outgoing = OutgoingPushes(services: services)
        journal = RefChangeJournal(services: services)
        tickets = HostingTickets(
            limit: settings.hostingTicketsMax, queueMax: settings.hostingQueueMax,
            timeout: settings.hostingTicketTimeout)
    }

    /// The tables of the domain.
    package static let migrations: [Migration] = [
        Migration(
            name: "hosting-0001-hosting", sqlite: PackageResources._001_hosting_sqlite_sql,
            postgres: PackageResources._001_hosting_postgres_sql),
        Migration(
            name: "hosting-0002-events", sqlite: PackageResources._002_events_sqlite_sql,
            postgres: PackageResources._002_events_postgres_sql),
        Migration(
            name: "hosting-0003-ssh-keys", sqlite: PackageResources._003_ssh_keys_sqlite_sql,
            postgres: PackageResources._003_ssh_keys_postgres_sql),
    ]

    /// Repairs what a killed node left, then begins to deliver what was confirmed and not delivered.
    /// - Throws: ``HostingError`` when the database or the repositories cannot be used.
    package func start() async throws {
        outgoing.start()
        try await repositories.repair()
        try await journal.removeOld()
        for repository in try await journal.repositoriesDue() {
            do {
                try await journal.settleAbandoned(in: repository)
            } catch {
                // One damaged repository does not keep the node from starting.
                services.logger.warning(
                    "changes of refs wait for their repository",
                    metadata: ["repository.id": "\(repository)", "error": "\(error)"])
                services.settlements.add(repository)
            }
        }
        try await start(delivering: HostingEvents(settings: settings))
        services.settlements.start { [journal] in try await journal.settleAbandoned(in: $0) }
        services.housekeeping.start(
            sweep: { [services] in try await services.sweepRepositories() },
            look: { [services] in try await services.keepHouse(in: $0) })
    }

    /// Lets handlers that run come to their end, for as long as the settings allow; the events that wait
    /// follow at the next start.
    package func stop() async {
        await services.housekeeping.stop()
        await services.settlements.stop()
        await services.events.stop(within: settings.drainTimeout)
    }

    private func start(delivering source: HostingEvents) async throws {
        do {
            try await services.events.start(source)
        } catch let error as DatabaseError {
            throw HostingError(error)
        }
    }
}
