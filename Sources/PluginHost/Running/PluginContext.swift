package import Logging
package import Portable
import Synchronization

/// One loaded plugin as host functions see it: who it is, what it may do, and where it registers.
package final class PluginContext: Sendable {
    /// Its checked manifest.
    package let manifest: PluginManifest
    /// Whether it came with the distribution.
    package let isFirstParty: Bool
    /// Its logger, `perigee.plugin.<id>`.
    package let logger: Logger
    /// Its log lines, with the limit per second.
    package let log: PluginLog
    /// What the host says of its failures, with a limit of its own: a flood of its own lines hides none.
    let failures: PluginLog
    /// What the objects in its hands stand for.
    package let handles = PluginHandles()

    private struct State {
        var isRegistering = true
        var registrations = PluginRegistrations()
        var settings: [String: PortableValue] = [:]
        weak var instance: PluginInstance?
        /// Events published before this state serves, for then its own handlers hear them, too; `nil` since.
        var held: [(key: String, payload: PortableValue)]? = []
        var heldBytes = 0
    }
    private let state: Mutex<State>
    private let fetchRepositorySettings: @Sendable (RepositoryID) async throws -> [String: PortableValue]?
    private let sendEvent: @Sendable (String, PortableValue) -> Bool

    /// - Parameter settings: The settings of the server, resolved.
    /// - Parameter fetchRepositorySettings: The resolved settings of a repository; `nil` when it is off
    ///   there.
    /// - Parameter sendEvent: Queues an event for the bus; `false` when too many wait.
    package init(
        manifest: PluginManifest, isFirstParty: Bool, logger: Logger, logLinesPerSecond: Int = 100,
        settings: [String: PortableValue] = [:],
        fetchRepositorySettings: @escaping @Sendable (RepositoryID) async throws -> [String: PortableValue]? =
            { _ in
                nil
            },
        sendEvent: @escaping @Sendable (String, PortableValue) -> Bool = { _, _ in false }
    ) {
        self.manifest = manifest
        self.isFirstParty = isFirstParty
        self.logger = logger
        log = PluginLog(logger: logger, linesPerSecond: logLinesPerSecond)
        failures = PluginLog(logger: logger, linesPerSecond: max(1, logLinesPerSecond / 4))
        state = Mutex(State(settings: settings))
        self.fetchRepositorySettings = fetchRepositorySettings
        self.sendEvent = sendEvent
    }

    /// The plugin's identifier.
    package var id: String { manifest.id }
    /// The plugin's version.
    package var version: String { manifest.version.description }

    /// Whether the main chunk runs now, so that registration functions may be called.
    package var isRegistering: Bool { state.withLock { $0.isRegistering } }

    /// The settings of the server: declared defaults, and what an administrator set.
    package var settings: [String: PortableValue] { state.withLock { $0.settings } }

    /// The settings of a repository, defaults filled in; `nil` when the plugin is not switched on there.
    package func repositorySettings(_ id: RepositoryID) async throws -> [String: PortableValue]? {
        try await fetchRepositorySettings(id)
    }

    /// Queues an event for every subscriber on this node.
    /// - Parameter key: Begins with the plugin's id and a colon.
    ///
    /// They go out once this state serves; a state that cannot be started publishes nothing.
    /// - Returns: `false` when 1,000 events of this plugin wait already, or 16 MiB of them.
    package func publish(key: String, payload: PortableValue) -> Bool {
        let isHeld = state.withLock { state -> Bool? in
            guard let count = state.held?.count else { return nil }
            let bytes = payload.roughBytes
            guard count < Self.heldMax, state.heldBytes + bytes <= Self.heldBytesMax else {
                return false
            }
            state.held?.append((key, payload))
            state.heldBytes += bytes
            return true
        }
        return isHeld ?? sendEvent(key, payload)
    }

    private static let heldMax = 1_000
    /// As much as an event bus keeps of one sender.
    private static let heldBytesMax = 16 * 1024 * 1024

    /// Sends what was published before this state served, in its order, and from now on all at once.
    func sendHeldEvents() {
        var lost = 0
        while true {
            let held = state.withLock { state in
                let held = state.held ?? []
                state.held = held.isEmpty ? nil : []
                state.heldBytes = 0
                return held
            }
            if held.isEmpty { break }
            for event in held where !sendEvent(event.key, event.payload) { lost += 1 }
        }
        guard lost > 0 else { return }
        failures.write(
            .warning, "events that were published before the plugin served found no room",
            fields: ["count": "\(lost)"])
    }

    /// Calls a function for every event with this key.
    package func onEvent(_ key: String, _ callback: PluginCallback) throws {
        try register("events.on \(key)") { $0.events[key, default: []].append(callback) }
    }

    /// Asks a function about every push.
    package func onPush(_ callback: PluginCallback) throws {
        try register("events.before_push") { $0.pushes.append(callback) }
    }

    /// Calls a function once the node serves.
    package func onStart(_ callback: PluginCallback) throws {
        try register("plugin.on_start") { $0.starts.append(callback) }
    }

    /// Calls a function before the plugin ends.
    package func onStop(_ callback: PluginCallback) throws {
        try register("plugin.on_stop") { $0.stops.append(callback) }
    }

    /// Calls a function after the settings of the server changed.
    package func onSettingChange(_ callback: PluginCallback) throws {
        try register("config.on_change") { $0.settingChanges.append(callback) }
    }

    /// Calls a function with a repository's id after its settings changed.
    package func onRepositorySettingChange(_ callback: PluginCallback) throws {
        try register("config.on_repository_change") { $0.repositorySettingChanges.append(callback) }
    }

    var registrations: PluginRegistrations { state.withLock { $0.registrations } }

    func endRegistration() { state.withLock { $0.isRegistering = false } }

    func replaceSettings(_ settings: [String: PortableValue]) { state.withLock { $0.settings = settings } }

    /// The state that runs the plugin's code; `nil` before it is there and after it is gone.
    var instance: PluginInstance? {
        get { state.withLock { $0.instance } }
        set { state.withLock { $0.instance = newValue } }
    }

    func register(_ text: String, _ change: (inout PluginRegistrations) -> Void) throws {
        let isStored = state.withLock { state in
            guard state.registrations.texts.count < PluginRegistrations.countMax else { return false }
            state.registrations.texts.append(text)
            change(&state.registrations)
            return true
        }
        guard isStored else {
            throw HostFailure.misuse("a plugin registers at most \(PluginRegistrations.countMax) handlers")
        }
    }
}
