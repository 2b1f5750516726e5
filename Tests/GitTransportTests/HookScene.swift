import ClusterServices
import Foundation
import GitStore
import Hosting
import Logging
import NIOPosix
import NodeTestKit
import Portable
import SharedDatabase
import Synchronization

@testable import GitTransport

/// A hook socket over a real domain with one repository.
struct HookScene: Sendable {
    let directory: TemporaryDirectory
    let hosting: Hosting
    let repository: Repository
    let socket: HookSocket
    private let database: SharedDatabase

    static func make(
        timeout: Duration = .seconds(60), guard judge: (any PushGuard)? = nil
    ) async throws -> HookScene {
        let directory = try TemporaryDirectory("hooks")
        let layout = HomeLayout(home: directory.path)
        try layout.create()
        let logger = Logger(label: "perigee.test", factory: { _ in SwiftLogNoOpLogHandler() })
        let group = MultiThreadedEventLoopGroup.singleton
        let database = try SharedDatabase.openSQLite(path: layout.databaseFile, logger: logger)
        try await database.migrate(EventLog.migrations + Hosting.migrations)
        let git = GitStore(
            configuration: GitConfiguration(
                hooksDirectory: layout.home, eventLoopGroup: group, threads: 2), logger: logger)
        let hosting = Hosting(
            layout: layout, database: database, git: git, events: EventBus(), node: NodeID("node-1"),
            settings: HostingSettings(), logger: logger)
        try await hosting.start()
        if let judge { hosting.pushes.addGuard(judge) }
        let project = try await hosting.projects.create(
            key: "PRJ", name: "Project", isPublic: false, by: .localOperator)
        let repository = try await hosting.repositories.create(
            NewRepository(name: "app", isPublic: false, defaultBranch: "main"), in: project,
            by: .localOperator)
        let socket = try HookSocket(
            pushes: hosting.pushes, layout: layout, eventLoopGroup: group, logger: logger, timeout: timeout)
        return HookScene(
            directory: directory, hosting: hosting, repository: repository, socket: socket, database: database
        )
    }

    /// Serves hooks while the body runs.
    func serving(_ body: @Sendable (HookClient) async throws -> Void) async throws {
        try await socket.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await socket.run() }
            let outcome: Result<Void, any Error>
            do {
                outcome = .success(try await body(HookClient(path: socket.path)))
            } catch {
                outcome = .failure(error)
            }
            await socket.stop()
            try await group.waitForAll()
            try outcome.get()
        }
        await hosting.stop()
        await database.close()
    }

    func push() -> PushSession {
        hosting.pushes.begin(repository: repository, principal: .localOperator, transport: "http")
    }

    /// The rows that the journal has for the repository.
    func journal() async throws -> [JournalEntry] {
        try await hosting.journal.recent(in: repository.id, limit: 10)
    }
}

/// A guard that answers when the test lets it, and does not care whether anybody still waits.
final class PatientGuard: PushGuard {
    private struct State {
        var isOpen = false
        var asked = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    var asked: Int { state.withLock { $0.asked } }

    func judge(_ push: ProposedPush) async -> PushVerdict {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                state.asked += 1
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
        return .accept
    }

    func open() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            state.isOpen = true
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
