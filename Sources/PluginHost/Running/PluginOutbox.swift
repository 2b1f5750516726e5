import ClusterServices
import Portable

/// Where a plugin's own events go: to each subscriber's queue at once, so that a handler may publish what
/// the same plugin hears.
struct PluginOutbox: Sendable {
    let bus: EventBus
    let pluginID: String

    /// - Returns: `false` when nobody who listens has room for more events of this plugin.
    func send(_ event: Event) -> Bool { !bus.publish(event, from: pluginID).isRefused }
}
