import ClusterServices
import Hosting
import Mirroring
import PluginHost
import SharedDatabase

/// The tables of all modules.
enum NodeMigrations {
    /// In the order in which they depend on each other.
    static let all =
        EventLog.migrations + Hosting.migrations + KeyValueStore.migrations + PluginHost.migrations
        + Membership.migrations + CacheService.migrations + JobScheduler.migrations
        + ExecutorService.migrations + Mirroring.migrations
}
