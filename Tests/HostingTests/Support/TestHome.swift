import ClusterServices
import ClusterTestKit
import Foundation
import GitStore
import Hosting
import Logging
import NIOPosix
import NodeTestKit
import Portable
import SharedDatabase
import Synchronization
import Testing

/// A home in a temporary folder, with a real database and real repositories, on which nodes start one after
/// another.
final class TestHome: Sendable {
    let path: String
    let layout: HomeLayout
    /// The database, unless it is a file of the home.
    private let postgres: Task<TestDatabase, any Error>?

    init(_ engine: TestEngine = .sqlite) throws {
        path = FileManager.default.temporaryDirectory.path + "/perigee-hosting-\(UUID().uuidString)"
        layout = HomeLayout(home: path)
        postgres =
            engine == .sqlite
            ? nil
            : Task {
                try await TestDatabase.open(
                    engine, migrations: EventLog.migrations + Membership.migrations + Hosting.migrations)
            }
        try layout.create()
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Starts a node on the home.
    /// - Parameter starts: Whether `start()` is called: without it nothing is repaired and no event
    ///   delivered.
    func node(
        id: String = "node-1", starts: Bool = true, _ change: (inout HostingSettings) -> Void = { _ in }
    ) async throws -> TestNode {
        let logger = Logger(label: "perigee.test", factory: { _ in SwiftLogNoOpLogHandler() })
        var settings = HostingSettings(
            hostingTicketTimeout: .seconds(60),
            passwordCost: PasswordCost(rounds: 16, blockSize: 1, parallelism: 1))
        change(&settings)
        let database =
            if let postgres { try await postgres.value.openAnother() } else {
                try SharedDatabase.openSQLite(path: layout.databaseFile, logger: logger)
            }
        try await database.migrate(EventLog.migrations + Membership.migrations + Hosting.migrations)
        let git = GitStore(
            configuration: GitConfiguration(
                hooksDirectory: layout.home, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, threads: 2
            ),
            logger: logger)
        let events = EventBus(log: EventLog(database: database, node: NodeID(id)), logger: logger)
        let recorder = EventRecorder()
        _ = try await events.subscribe(["*"], name: "recorder") { recorder.record($0) }
        let hosting = Hosting(
            layout: layout, database: database, git: git, events: events, node: NodeID(id),
            settings: settings,
            logger: logger)
        if starts { try await hosting.start() }
        return TestNode(hosting: hosting, database: database, events: events, recorder: recorder)
    }
}

/// A node of a ``TestHome``.
struct TestNode: Sendable {
    let hosting: Hosting
    let database: SharedDatabase
    let events: EventBus
    let recorder: EventRecorder

    /// Waits until every subscriber has finished with every event.
    func settle() async throws {
        try await waitUntil("an empty log of events") { [database] in
            try await database.read { try $0.firstRow("SELECT 1 AS one FROM event_outbox") } == nil
        }
    }

    /// What a kill leaves: the database file and the repositories; nothing is delivered any more.
    func kill() async {
        await database.close()
        await events.stop(within: .zero)
    }

    /// A user that may use the server, with the password `secret`.
    @discardableResult
    func user(_ name: String, joinsDefaultGroup: Bool = true) async throws -> User {
        let new = NewUser(
            name: name, displayName: name.capitalized, emailAddress: "\(name.filter(\.isLetter))@example.org",
            password: "secret",
            joinsDefaultGroup: joinsDefaultGroup)
        return try await hosting.users.create(new, by: .localOperator)
    }

    /// A project, by the server itself.
    func project(_ key: String, isPublic: Bool = false) async throws -> Project {
        try await hosting.projects.create(
            key: key, name: "Project \(key)", isPublic: isPublic, by: .localOperator)
    }

    /// A repository in a project, by the server itself.
    func repository(_ name: String, in project: Project, isPublic: Bool = false) async throws -> Repository {
        try await hosting.repositories.create(
            NewRepository(name: name, isPublic: isPublic, defaultBranch: "main"), in: project,
            by: .localOperator)
    }

    /// Where a repository lies.
    func path(_ repository: Repository) -> String { hosting.layout.repository(repository.id) }

    /// Makes a commit without a ref.
    func commit(
        _ message: String, in repository: Repository, parents: [ObjectID] = [], files: [String: String] = [:]
    ) async throws -> ObjectID {
        try await Git.commit(message, in: path(repository), parents: parents, files: files)
    }

    /// What git does for an accepted push.
    func moveRefs(_ changes: [RefChange], in repository: Repository) async throws {
        for change in changes {
            if change.to.isZero {
                try await Git.run(
                    ["update-ref", "-d", change.ref.full, change.from.hex], in: path(repository))
            } else {
                try await Git.run(
                    ["update-ref", change.ref.full, change.to.hex, change.from.hex], in: path(repository))
            }
        }
    }

    /// A whole push as the git door does it.
    @discardableResult
    func push(
        _ changes: [RefChange], to repository: Repository, by principal: Principal = .localOperator
    ) async throws -> PushVerdict {
        let session = hosting.pushes.begin(repository: repository, principal: principal, transport: "http")
        let verdict = await session.preReceive(changes: changes, quarantine: nil, options: [])
        if verdict == .accept { try await moveRefs(changes, in: repository) }
        try await session.finish(
            report: PushReport(lines: changes.map { PushReport.Line(ref: $0.ref.full, outcome: .ok) }))
        return verdict
    }

    /// The first commit on `main`, pushed.
    @discardableResult
    func seed(
        _ repository: Repository, files: [String: String] = ["README": "hello\n"]
    ) async throws -> ObjectID {
        let commit = try await commit("first", in: repository, files: files)
        try await push([RefChange(ref: try .branch("main"), from: .zero, to: commit)], to: repository)
        return commit
    }
}

/// Remembers events and lets a test wait for them.
final class EventRecorder: Sendable {
    private let events = Mutex<[Event]>([])

    var all: [Event] { events.withLock { $0 } }

    func record(_ event: Event) { events.withLock { $0.append(event) } }

    /// The events of a key, once there are so many.
    func events(
        _ key: String, count: Int, location: SourceLocation = #_sourceLocation
    ) async -> [Event] {
        do {
            try await waitUntil("\(count) events \(key)", detail: { "\(self.all.map(\.key))" }) {
                self.all.count(where: { $0.key == key }) >= count
            }
        } catch {
            Issue.record(error, sourceLocation: location)
        }
        return all.filter { $0.key == key }
    }
}
