package import ClusterServices
package import Logging
import LuaRuntime
package import Portable
package import SharedDatabase

/// Finds, starts, calls, reloads and stops the plugins of this node.
///
/// A plugin's failure, hang or flood reaches no other plugin and no push but those that it was asked about.
package actor PluginHost {
    /// The tables that hold switches and settings.
    package static let migrations: [Migration] = PluginMigrations.all

    let configuration: PluginHostConfiguration
    let settingStore: PluginSettingStore
    let events: EventBus
    let logger: Logger
    let loader: PluginLoader
    /// Start, stop, enable, disable and reload happen one after another.
    let changes = SerialTurns()
    var slots: [String: PluginSlot] = [:]
    /// Ids in load order.
    var order: [String] = []
    var isServing = false
    private var repositoryDeletions: EventSubscription?
    private let pools: [LuaThreadPool]

    /// - Parameter modules: The Lua-visible API, in the order it is documented.
    package init(
        configuration: PluginHostConfiguration, database: SharedDatabase, events: EventBus,
        modules: [HostModule], logger: Logger
    ) {
        self.configuration = configuration
        settingStore = PluginSettingStore(database: database)
        self.events = events
        self.logger = logger
        let firstPartyPool = LuaThreadPool(threads: configuration.threads, name: "lua-first")
        let installedPool = LuaThreadPool(threads: configuration.threads, name: "lua-plugin")
        pools = [firstPartyPool, installedPool]
        loader = PluginLoader(
            ceilings: configuration.ceilings, modules: modules, settings: settingStore,
            firstPartyPool: firstPartyPool, installedPool: installedPool)
    }

    /// Loads first-party plugins, then the installed ones, and serves events and pushes from then on. A
    /// plugin that fails is reported in the list and in the log, and hurts nothing.
    ///
    /// Start it before events that were not delivered are published again, so that plugins hear them.
    package func start() async {
        await changes.enter()
        defer { changes.leave() }
        let store = settingStore
        repositoryDeletions = events.subscribe("repo:deleted", name: "plugin settings") { event in
            if let repository = event.repository { try await store.remove(scope: .repository(repository)) }
        }
        for choice in await scan() {
            let id = choice.candidate.id
            order.append(id)
            slots[id] = PluginSlot(choice, state: .starting)
            await bringUp(id)
        }
        let enabled = slots.values.count { $0.state == .enabled }
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
            if let problem = await runStarts(instance) {
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
    package func detail(_ id: String) -> PluginDetail? { slots[id]?.detail }

    /// Whether any plugin wants to be asked about pushes.
    package var judgesPushes: Bool { slots.values.contains { $0.summary.judgesPushes } }

    /// Asks every enabled plugin about a push, in load order; the first refusal ends it. A handler that fails
    /// or does not answer within the push wait counts as its manifest's `before_push_failure` says.
    /// - Parameter payload: What handlers get.
    /// - Parameter context: Travels with the run to host functions.
    package func beforePush(_ payload: PortableValue, context: (any Sendable)? = nil) async -> PushJudgement {
        let dispatchers = order.compactMap { id in slots[id]?.dispatcher.map { (id, $0) } }
        for (id, dispatcher) in dispatchers {
            if let text = await dispatcher.judge(payload, context: context) {
                return .refuse(pluginID: id, text: text)
            }
        }
        return .accept
    }
}
