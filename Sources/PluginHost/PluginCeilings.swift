/// The operator's ceilings for one plugin; its manifest may ask for less, never for more.
package struct PluginCeilings: Sendable, Hashable {
    /// The Lua heap, in bytes.
    package var memoryBytesMax: Int64 = 64 * 1024 * 1024
    /// CPU time of one handler.
    package var handlerCPU: Duration = .seconds(1)
    /// CPU time of the main chunk.
    package var loadCPU: Duration = .milliseconds(500)
    /// What a plugin may keep in key-value storage, in bytes.
    package var kvBytesMax: Int64 = 1024 * 1024 * 1024
    /// How long a push waits for one plugin's answer.
    package var pushWait: Duration = .seconds(5)
    /// How long an event handler may take, waiting included.
    package var eventWait: Duration = .seconds(60)
    /// How long a stop waits for what runs and for the stop handlers.
    package var stopGrace: Duration = .seconds(10)
    /// Events waiting for one plugin.
    package var queuedEventsMax: Int = 1_000
    /// Log lines per second.
    package var logLinesPerSecond: Int = 100
    /// Runs that may be ended, for CPU time or memory, within ``killWindow`` before the plugin is put in
    /// quarantine: the last one of these does it. 0 for never.
    package var killsMax: Int = 3
    /// How long an ended run counts towards the quarantine.
    package var killWindow: Duration = .seconds(60)

    /// The defaults.
    package init() {}
}
