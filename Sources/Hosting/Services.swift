internal import ClusterServices
internal import GitStore
internal import Logging
internal import Portable
internal import SharedDatabase

/// What every service of the domain needs; made once by ``Hosting``.
final class Services: Sendable {
    let layout: HomeLayout
    let database: SharedDatabase
    let git: GitStore
    let events: EventBus
    let node: NodeID
    private let given: HostingSettings
    let logger: Logger
    let passwords: PasswordVerifier
    let memory = AccessMemory()
    let localToken = LocalToken()
    let guards = GuardList()
    let sessions = PushRegistry()
    let pushedPacks = PushedPacks()
    let keyRevocations = KeyRevocations()
    let sshServer = SSHServerFacts()
    /// What others have to say here.
    let remote = RemoteParts()
    /// Who hears that somebody may do something else than before.
    let accessChanges = AccessChanges()
    /// On a mirror: moves of refs.
    let followed = FollowedRefs()
    /// Changes of refs that may have happened and that nobody sees to any more: settled until it goes well.
    let settlements: RepositoryWork
    /// What is done in repositories after pushes.
    let housekeeping: Housekeeping
    /// Where events are written down.
    let log: EventLog

    /// What the operator chose. On a mirror nothing is public of itself: the upstream says what is.
    var settings: HostingSettings {
        guard remote.authority != nil else { return given }
        var settings = given
        settings.anonymousAccess = false
        return settings
    }

    var permissions: Permissions { Permissions(services: self) }
    var refs: Refs { Refs(services: self) }
    var contents: Contents { Contents(services: self) }
    var pushes: Pushes { Pushes(services: self) }
    var journal: RefChangeJournal { RefChangeJournal(services: self) }

    init(
        layout: HomeLayout, database: SharedDatabase, git: GitStore, events: EventBus, node: NodeID,
        settings: HostingSettings, logger: Logger
    ) {
        self.layout = layout
        self.database = database
        self.git = git
        self.events = events
        self.node = node
        given = settings
        self.logger = logger
        passwords = PasswordVerifier(cost: settings.passwordCost)
        settlements = RepositoryWork(
            complaint: "changes of refs wait to be settled", isRepeated: true, logger: logger)
        housekeeping = Housekeeping(logger: logger)
        log = EventLog(database: database, node: node)
    }

    /// Reads in one transaction; the database's errors come out as ``HostingError``.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (DatabaseTransaction) throws -> Value
    ) async throws -> Value {
        do {
            return try await database.read(body)
        } catch let error as DatabaseError {
            throw HostingError(error)
        }
    }

    /// As ``read(_:)``, for a few rows that are found by their keys.
    func lookUp<Value: Sendable>(
        _ body: @escaping @Sendable (DatabaseTransaction) throws -> Value
    ) async throws -> Value {
        do {
            return try await database.lookUp(body)
        } catch let error as DatabaseError {
            throw HostingError(error)
        }
    }

    /// Writes in one transaction; the database's errors come out as ``HostingError``.
    /// - Parameter duplicate: What to throw when another row has the same key already.
    /// - Parameter changesAccess: Whether somebody may do less, or something is not where it was, afterwards.
    @discardableResult
    func write<Value: Sendable>(
        duplicate: HostingError? = nil, durability: Durability = .disk, changesAccess: Bool = true,
        _ body: @escaping @Sendable (DatabaseTransaction) throws -> Value
    ) async throws -> Value {
        // Also when it fails: the change may have been made all the same.
        defer {
            if changesAccess {
                memory.forgetAll()
                accessChanges.announce()
            }
        }
        do {
            return try await database.write(durability: durability, body)
        } catch DatabaseError.constraint(kind: .unique, _) where duplicate != nil {
            throw duplicate ?? .authenticationFailed
        } catch let error as DatabaseError {
            throw HostingError(error)
        }
    }

    /// Does something with a repository's folder; its errors come out as ``HostingError``.
    func onDisk<Value: Sendable>(
        _ repository: Repository, _ body: (GitStore, String) async throws -> Value
    ) async throws -> Value {
        guard repository.state == .available else {
            throw HostingError.notReady(project: repository.project.key, slug: repository.slug)
        }
        do {
            return try await body(git, layout.repository(repository.id))
        } catch let error as GitStoreError {
            throw HostingError(error)
        }
    }
}
