import ClusterServices
import Foundation
import GitStore
import HostAPI
import Hosting
import Logging
import NIOPosix
import NodeTestKit
import PluginHost
import Portable
import SharedDatabase

/// The domain with real repositories, and plugins over it.
final class TestServer: Sendable {
    let layout: HomeLayout
    let database: SharedDatabase
    let bus: EventBus
    let hosting: Hosting
    let kv: KeyValueStore
    let membership: Membership
    let cluster: ClusterAPIs
    let plugins: PluginHost
    let routes = RouteTable()

    /// - Parameter folders: Plugins of this project by path, such as `plugins/branch-protection`.
    /// - Parameter mains: Plugins by id: the manifest's permissions as JSON, and `main.lua`.
    /// - Parameter limit: Changes what plugins may use.
    init(
        folders: [String] = [], mains: [String: (permissions: String, main: String)] = [:],
        limit: (inout PluginCeilings) -> Void = { _ in }
    ) async throws {
        let home = FileManager.default.temporaryDirectory.path() + "host-api-\(UUID().uuidString)"
        layout = HomeLayout(home: home)
        try layout.create()
        try Self.install(folders, mains, layout)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        database = try SharedDatabase.openSQLite(path: layout.databaseFile, logger: logger)
        try await database.migrate(
            EventLog.migrations + KeyValueStore.migrations + Membership.migrations + CacheService.migrations
                + ExecutorService.migrations + JobScheduler.migrations + PluginHost.migrations
                + Hosting.migrations)
        bus = EventBus(log: EventLog(database: database, node: NodeID("test")))
        let git = GitStore(
            configuration: GitConfiguration(
                hooksDirectory: home, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, threads: 2),
            logger: logger)
        hosting = Hosting(
            layout: layout, database: database, git: git, events: bus, node: NodeID("test"),
            settings: HostingSettings(), logger: logger)
        kv = KeyValueStore(database: database)
        membership = Membership(
            database: database,
            identity: NodeDescription(nodeID: "test", version: "1", sharedHomeID: "home"), logger: logger)
        let locks = LockService(membership: membership, logger: logger)
        let executors = ExecutorService(database: database, membership: membership, logger: logger)
        let jobs = JobScheduler(database: database, membership: membership, logger: logger)
        let caches = CacheService(database: database, logger: logger)
        let topics = TopicService(database: database, node: "test", logger: logger)
        caches.start()
        topics.start()
        cluster = ClusterAPIs(
            locks: locks, executors: executors, jobs: jobs, caches: caches,
            topics: topics, membership: membership)
        try await membership.join()
        try await locks.start()
        try await executors.start()
        jobs.start()
        var ceilings = Self.ceilings
        limit(&ceilings)
        plugins = PluginHost(
            configuration: PluginHostConfiguration(
                firstPartyDirectory: nil, installedDirectory: layout.installedPlugins, ceilings: ceilings),
            database: database, events: bus,
            modules: HostAPI.modules(hosting: hosting, kv: kv, cluster: cluster, routes: routes),
            logger: logger)
        await plugins.start()
        hosting.pushes.addGuard(HostAPIPushGuard(plugins: plugins, hosting: hosting))
        try await hosting.start()
        await plugins.announceServing()
    }

    private static func install(
        _ folders: [String], _ mains: [String: (permissions: String, main: String)], _ layout: HomeLayout
    ) throws {
        for folder in folders {
            let json = try JSON.decode(ProjectFiles.text("\(folder)/plugin.json") ?? "")
            try FileManager.default.copyItem(
                atPath: ProjectFiles.root + folder,
                toPath: "\(layout.installedPlugins)/\(json["id"]?.stringValue ?? "")")
        }
        for (id, plugin) in mains {
            let path = "\(layout.installedPlugins)/\(id)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            let manifest = """
                {"id": "\(id)", "version": "1.0.0", "api": 1, "permissions": \(plugin.permissions)}
                """
            try Data(manifest.utf8).write(to: URL(filePath: "\(path)/plugin.json"))
            try Data(plugin.main.utf8).write(to: URL(filePath: "\(path)/main.lua"))
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: layout.home) }

    /// What plugins may use; a push waits longer than on a node, as the machine may be busy.
    private static let ceilings: PluginCeilings = {
        var ceilings = PluginCeilings()
        ceilings.pushWait = .seconds(60)
        return ceilings
    }()

    func stop() async {
        await hosting.stop()
        await plugins.stop()
        await cluster.jobs?.stop(within: .seconds(10))
        await cluster.caches?.stop()
        await cluster.topics?.stop()
        await cluster.executors?.stop()
        cluster.locks?.stop()
        await membership.leave()
        await database.close()
    }

    /// A repository with three commits on main, the last of which touches `b.txt`.
    func makeRepository() async throws -> Repository {
        let project = try await hosting.projects.create(key: "PRJ", name: "Project", by: .localOperator)
        let repository = try await hosting.repositories.create(
            NewRepository(name: "app", defaultBranch: "main"), in: project, by: .localOperator)
        let stream = [("one", "a.txt"), ("two", "a.txt"), ("three", "b.txt")].map { message, file in
            """
            commit refs/heads/main
            committer C O Mitter <c@example.org> 1700000000 +0000
            data \(message.utf8.count)
            \(message)
            M 644 inline \(file)
            data \(message.utf8.count)
            \(message)

            """
        }.joined()
        try await git(["fast-import", "--quiet"], repository, input: stream)
        return repository
    }

    /// Commits that lie in a folder of their own, as a push's do before it is accepted.
    func incomingCommits(
        _ messages: [String], on parent: ObjectID, _ repository: Repository
    ) async throws -> (tip: ObjectID, objects: String) {
        let clone = layout.tmp + "/incoming.git"
        try await git(["clone", "--quiet", "--bare", layout.repository(repository.id), clone], repository)
        var stream = ""
        for (index, message) in messages.enumerated() {
            let from = index == 0 ? "from \(parent.hex)\n" : ""
            stream += """
                commit refs/heads/main
                committer C O Mitter <c@example.org> 170000000\(index + 1) +0000
                data \(message.utf8.count)
                \(message)
                \(from)
                """
        }
        try await git(["--git-dir=\(clone)", "fast-import", "--quiet"], repository, input: stream)
        let tip = ObjectID(try await git(["--git-dir=\(clone)", "rev-parse", "main"], repository)) ?? .zero
        return (tip, clone + "/objects")
    }

    /// Runs git, which must succeed, with nothing of the machine's or the user's configuration.
    @discardableResult
    func git(_ arguments: [String], _ repository: Repository, input: String = "") async throws -> String {
        let command = ["git", "--git-dir=\(layout.repository(repository.id))"] + arguments
        let outcome = try await ChildProcess.run(
            command,
            environment: Executable.environment.merging(
                ["GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"]) { $1 },
            input: Data(input.utf8))
        guard outcome.succeeded else {
            throw TestKitError.command(line: command.joined(separator: " "), outcome: outcome)
        }
        return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func commit(_ revision: String, _ repository: Repository) async throws -> ObjectID {
        ObjectID(try await git(["rev-parse", revision], repository)) ?? .zero
    }

    /// Runs the plugin's handler of `x:run`, and gives what it stored under `result`.
    func run(_ payload: PortableValue, plugin: String = "a.x") async throws -> PortableValue {
        let delivery = await bus.publish(Event(key: "x:run", payload: payload, id: UUID().uuidString))
            .delivery()
        if let failure = delivery.failures.first { throw failure.error }
        return try await kv.fetchValue(namespace: "plugin/\(plugin)", key: "result")?.value ?? .null
    }

    /// A server with one plugin, whose handler of `x:run` is this code; its result is what it returns.
    static func running(_ code: String, permissions: String = "") async throws -> TestServer {
        let all = #"{"events": ["x:run"], "kv": "1MiB"\#(permissions.isEmpty ? "" : ", \(permissions)")}"#
        let main = """
            local function run(event)
            \(code)
            end
            perigee.events.on("x:run", function(event)
              perigee.kv.put("result", { run(event) })
            end)
            """
        return try await TestServer(mains: ["a.x": (all, main)])
    }
}
