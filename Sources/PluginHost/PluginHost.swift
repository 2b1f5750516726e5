package import ClusterServices
package import Logging
import LuaRuntime
import Portable
package import SharedDatabase

/// Finds, starts, calls, reloads and stops the plugins of this node.
///
/// A plugin's failure, hang or flood reaches no other plugin and no push but those that it was asked about.
package actor PluginHost {
    /// The tables that hold switches and settings.
    package static let migrations: [Migration] = PluginMigrations.all

    let configuration: PluginHostConfiguration
    let settingStore: PluginSettingStore
    let quarantines: QuarantineStore
    let events: EventBus
    let logger: Logger
    /// What administrators and nodes decided about plugins, and what plugins were refused.
    let audit: Logger
    let loader: PluginLoader
    /// Start, stop, enable, disable and reload happen one after another.
    let changes = SerialTurns()
    /// Settings are stored and taken over one after another, so that no older ones come last.
    let settingTurns = SerialTurns()
    var slots: [String: PluginSlot] = [:]
    /// Ids in load order.
    var order: [String] = []
    var isServing = false
    var isStopped = false
    /// Figures by plugin, for as long as it is installed.
    var meters: [String: PluginMeter] = [:]
    /// Quarantines that could not be written down yet: the database was away.
    var unwritten: Set<String> = []
    /// Plugins of which too many runs were ended, as their meters tell it.
    let excesses: AsyncStream<Excess>
    let excessesFound: AsyncStream<Excess>.Continuation
    /// Owned by this host: begun by ``start()``, ended by ``stop()``.
    private var watch: Task<Void, Never>?
    var repositoryDeletions: EventSubscription?
    private let pools: [LuaThreadPool]

    /// - Parameter modules: The Lua-visible API, in the order it is documented.
    /// - Parameter audit: Gets one line per decision about a plugin, and per refused permission.
    package init(
        configuration: PluginHostConfiguration, database: SharedDatabase, events: EventBus,
        modules: [HostModule], logger: Logger, audit: Logger = Logger(label: "perigee.audit")
    ) {
        self.configuration = configuration
        settingStore = PluginSettingStore(database: database)
        quarantines = QuarantineStore(database: database)
        (excesses, excessesFound) = AsyncStream.makeStream(
            of: Excess.self, bufferingPolicy: .bufferingOldest(10_000))
        self.events = events
        self.logger = logger
        self.audit = audit
        let firstPartyPool = LuaThreadPool(threads: configuration.threads, name: "lua-first")
        // What uses much CPU time leaves the rest of the node, and git, the processors.
        let installedPool = LuaThreadPool(
            threads: configuration.threads, background: configuration.threads, name: "lua-plugin")
        pools = [firstPartyPool, installedPool]
        loader = PluginLoader(
            ceilings: configuration.ceilings, modules: modules, settings: settingStore,
            firstPartyPool: firstPartyPool, installedPool: installedPool, audit: audit)
    }

    /// Loads first-party plugins, then the installed ones, and serves events and pushes from then on. A
    /// plugin that fails is reported in the list and in the log, and hurts nothing.
    ///
    /// Start it before events that were not delivered are published again, so that plugins hear them.
    package func start() async {
        await changes.enter()
        defer { changes.leave() }
        await followDeletions()
        for choice in await scan() {
            let id = choice.candidate.id
            order.append(id)
            slots[id] = PluginSlot(choice, state: .starting)
            await bringUp(id)
        }
        await forgetEventsOfAbsentPlugins()
        let enabled = slots.values.count { $0.state == .enabled }
        watch = Task { [weak self, excesses] in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { for await excess in excesses { await self?.quarantine(excess) } }
                group.addTask { await self?.lookAround() }
                // Apart from that, since it waits for what plugins do with their settings.
                group.addTask { await self?.watchSettings() }
            }
        }
        logger.info("plugins loaded", metadata: ["enabled": "\(enabled)", "found": "\(slots.count)"])
    }

    /// Tells the plugins that the node serves: their start handlers run, in load order. A plugin whose start
    /// handler fails is stopped and marked as failed.
    package func announceServing() async {
        await changes.enter()
        defer { changes.leave() }
        guard !isServing else { return }
        isServing = true
        for id in order {
            guard let instance = slots[id]?.dispatcher?.instance else { continue }
            if let problem = await beginServing(instance) {
                await tearDown(id)
                fail(id, problem)
            }
        }
    }

    /// Ends every plugin; returns within the stop grace. A second stop does nothing.
    package func stop() async {
        await changes.enter()
        defer { changes.leave() }
        repositoryDeletions?.cancel()
        isStopped = true
        watch?.cancel()
        excessesFound.finish()
        let dispatchers = slots.values.compactMap(\.dispatcher)
        for id in order {
            slots[id]?.dispatcher = nil
            if slots[id]?.state == .enabled { slots[id]?.state = .installed(reason: "the node stops") }
        }
        isServing = false
        await withTaskGroup(of: Void.self) { group in
            for dispatcher in dispatchers { group.addTask { await self.end(dispatcher) } }
        }
        for pool in pools { pool.stop() }
    }

    /// Every plugin found, in the order it was loaded.
    package func list() -> [PluginSummary] { order.compactMap { slots[$0]?.summary } }

    /// One plugin; `nil` when it is not installed.
    package func detail(_ id: String) -> PluginDetail? { slots[id]?.detail(meters[id]) }

    /// Whether any plugin wants to be asked about pushes.
    package var judgesPushes: Bool { slots.values.contains { $0.summary.judgesPushes } }
}
