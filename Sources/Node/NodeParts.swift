import ClusterServices
import GitStore
import GitTransport
import HostAPI
import Hosting
import Logging
import Mirroring
import NIOCore
import NIOPosix
import PluginHost
import Portable
import SharedDatabase

/// The node's parts, made but not started.
struct NodeParts: Sendable {
    let eventLoopGroup: any EventLoopGroup
    let database: SharedDatabase
    let cluster: ClusterParts
    let git: GitStore
    let hosting: Hosting
    let mirroring: Mirroring
    let plugins: PluginHost
    /// The endpoints of plugins.
    let routes = RouteTable(isWhole: false)
    let hooks: HookSocket

    /// Checks what must hold, opens the database, and makes the parts from below to above.
    init(
        configuration: NodeConfiguration, layout: HomeLayout, id: NodeID, distribution: Distribution,
        searchPath: String
    ) throws {
        eventLoopGroup = MultiThreadedEventLoopGroup.singleton
        try StartupChecks.tls(configuration.server.serving)
        let hooksDirectory = try HookFolder.prepare(layout: layout, distribution: distribution)
        let firstParty = configuration.plugins.firstPartyDirectory ?? distribution.findPlugins()
        let isMirror = configuration.mirror != nil
        try StartupChecks.plugins([firstParty, isMirror ? nil : layout.installedPlugins].compactMap { $0 })
        let executable = try StartupChecks.gitExecutable(configuration.git.executable, searchPath: searchPath)
        database = try Self.openDatabase(configuration, layout)
        let events = EventBus(log: EventLog(database: database, node: id))
        cluster = try ClusterParts(configuration, layout, id, database: database, events: events)
        git = GitStore(
            configuration: GitConfiguration(
                gitExecutable: executable, hooksDirectory: hooksDirectory,
                noAlternateRefs: "\(hooksDirectory)/\(HookFolder.noAlternateRefs)",
                eventLoopGroup: eventLoopGroup, threads: configuration.git.readThreads),
            logger: Logger(label: "perigee.git"))
        hosting = Hosting(
            layout: layout, database: database, git: git, events: events, node: id,
            settings: configuration.hosting, logger: Logger(label: "perigee.hosting"))
        mirroring = try Mirroring(
            hosting: hosting, database: database, node: id, packsMax: configuration.mirrorPacksMax,
            followsPulls: configuration.mirrorPulls,
            mirror: configuration.mirrorSettings(layout: layout), eventLoopGroup: eventLoopGroup,
            logger: Logger(label: "perigee.mirroring"))
        plugins = PluginHost(
            configuration: configuration.pluginHost(layout: layout, firstParty: firstParty, node: id),
            database: database,
            events: events,
            modules: HostAPI.modules(
                hosting: hosting, kv: KeyValueStore(database: database), cluster: cluster.plugins,
                routes: routes, mirroring: mirroring),
            logger: Logger(label: "perigee.plugin"))
        hosting.pushes.addGuard(HostAPIPushGuard(plugins: plugins, hosting: hosting))
        hooks = try HookSocket(
            pushes: hosting.pushes, layout: layout, eventLoopGroup: eventLoopGroup,
            logger: Logger(label: "perigee.hooks"), timeout: configuration.git.decisionTimeout)
    }
}

extension NodeParts {
    /// PostgreSQL connects when it is first asked; the file is there or made.
    private static func openDatabase(
        _ configuration: NodeConfiguration, _ layout: HomeLayout
    ) throws -> SharedDatabase {
        let logger = Logger(label: "perigee.database")
        if let settings = configuration.database {
            return try SharedDatabase.openPostgres(settings, logger: logger)
        }
        try StartupChecks.database(layout)
        return try SharedDatabase.openSQLite(path: layout.databaseFile, logger: logger)
    }
}

extension NodeConfiguration {
    /// The settings as the domain takes them.
    var hosting: HostingSettings {
        var settings = HostingSettings(
            baseURL: BaseURL(baseURL ?? ""), anonymousAccess: git.anonymousAccess,
            hostingTicketsMax: git.hostingTicketsMax, hostingQueueMax: git.hostingQueueMax,
            hostingTicketTimeout: git.hostingTicketTimeout, pushBytesMax: git.pushBytesMax,
            defaultBranch: git.defaultBranch)
        settings.outgoing = outgoing
        return settings
    }

    /// The settings as a mirror takes them; `nil` on a primary.
    func mirrorSettings(layout: HomeLayout) -> MirrorSettings? {
        mirror.map { mirror in
            var settings = MirrorSettings(
                name: displayName, baseURL: baseURL ?? "", upstreamURL: mirror.upstreamURL,
                farmSecret: mirror.farmSecret, secretFile: "\(layout.config)/mirror-farm.secret",
                certificateAuthorities: mirror.certificateAuthorities, version: Release.version,
                nodeName: cluster.name ?? NodeOrigin.hostName)
            settings.interval = mirror.interval
            settings.fetchesMax = mirror.fetchesMax
            settings.attemptsMax = mirror.attemptsMax
            settings.rightsOffline = mirror.rightsOffline
            settings.syncTolerance = mirror.syncTolerance
            settings.queueDumpMax = mirror.queueDumpMax
            if mirror.fetchesBySSH {
                settings.ssh = MirrorSettings.SSH(
                    baseURL: mirror.sshURL, folder: "\(layout.config)/mirror-ssh")
            }
            return settings
        }
    }

    /// The settings as the plugin host takes them.
    func pluginHost(layout: HomeLayout, firstParty: String?, node: NodeID) -> PluginHostConfiguration {
        var ceilings = PluginCeilings()
        ceilings.memoryBytesMax = plugins.memoryBytesMax
        ceilings.handlerCPU = plugins.handlerTime
        ceilings.pushWait = plugins.pushWait
        ceilings.kvBytesMax = plugins.storageBytesMax
        ceilings.killsMax = plugins.quarantineKills
        ceilings.killWindow = plugins.quarantineWindow
        var host = PluginHostConfiguration(
            firstPartyDirectory: firstParty,
            // A mirror runs nothing but what comes with the program.
            installedDirectory: mirror == nil ? layout.installedPlugins : nil, ceilings: ceilings,
            disabled: plugins.disabled, mode: mirror == nil ? "primary" : "mirror", threads: plugins.threads)
        host.node = node.rawValue
        return host
    }
}
