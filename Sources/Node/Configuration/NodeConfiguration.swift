import Configuration
package import Hosting
package import Logging
package import SharedDatabase

/// What the operator chose, checked and typed.
package struct NodeConfiguration: Sendable {
    /// What the first start needs to know of the first system administrator.
    package struct Sysadmin: Sendable {
        /// Their user name.
        package var username: String
        /// Their password; `nil` when a one-time password is to be made.
        package var password: String?
        /// Their full name.
        package var displayName: String
        /// Their mail address.
        package var emailAddress: String
    }

    /// Where the node listens, and what its connections may do.
    package struct Server: Sendable {
        /// The TCP port; 0 takes any free one.
        package var port: Int
        /// The address to listen on.
        package var address: String
        /// The PEM files of the certificate chain and of its key; `nil` without TLS.
        package var tls: (certificate: String, privateKey: String)?
        /// How long a connection may idle between requests.
        package var idleTimeout: Duration
        /// After how long without progress an exchange is given up.
        package var stallTimeout: Duration
        /// How many connections are served at a time; `nil` is no limit.
        package var connectionsMax: Int?
        /// How long a stop waits for what runs.
        package var shutdownTimeout: Duration
        /// How long requests are taken after the node was asked to stop.
        package var shutdownDelay: Duration
        /// Whether anyone may read the metrics.
        package var anonymousMetrics: Bool
    }

    /// The levels that loggers start with.
    package struct Logs: Sendable {
        /// The level of all loggers that are not named.
        package var defaultLevel: Logger.Level
        /// Levels by logger name.
        package var levels: [String: Logger.Level]
        /// The size at which a log file is put aside, in bytes.
        package var fileBytesMax: Int
        /// How many files put aside are kept.
        package var filesKept: Int
    }

    /// How git operations are bounded.
    package struct Git: Sendable {
        /// Whether public repositories are readable without credentials.
        package var anonymousAccess: Bool
        /// How many hosting operations run at a time.
        package var hostingTicketsMax: Int
        /// How many more may wait.
        package var hostingQueueMax: Int
        /// How long one waits.
        package var hostingTicketTimeout: Duration
        /// How long the decision on a push may take.
        package var decisionTimeout: Duration
        /// The largest pack of a push in bytes; `nil` is no limit.
        package var pushBytesMax: Int64?
        /// The default branch of new repositories.
        package var defaultBranch: String
        /// The git program as configured, not yet looked up.
        package var executable: String
        /// How many threads read repositories.
        package var readThreads: Int
    }

    /// How plugins are found and bounded.
    package struct Plugins: Sendable {
        /// The first-party plugins' folder; `nil` when the distribution's is to be found.
        package var firstPartyDirectory: String?
        /// Plugins that are not started.
        package var disabled: Set<String>
        /// The most Lua heap of one plugin, in bytes.
        package var memoryBytesMax: Int64
        /// CPU time of one call.
        package var handlerTime: Duration
        /// How long a push waits for one plugin.
        package var pushWait: Duration
        /// Key-value storage of one plugin, in bytes.
        package var storageBytesMax: Int64
        /// Threads for installed plugins.
        package var threads: Int
        /// Ended runs that put a plugin in quarantine; 0 for never.
        package var quarantineKills: Int
        /// Within how long.
        package var quarantineWindow: Duration
    }

    /// This node's part in the cluster.
    package struct Cluster: Sendable {
        /// For people; `nil` for the machine's name.
        package var name: String?
        /// Where other machines reach this one; `nil` when that follows from the server's address.
        package var address: String?
        /// How long a silent node is waited for.
        package var lease: Duration
    }

    /// The instance's name.
    package var displayName: String
    /// What links begin with; `nil` when it follows from the served address.
    package var baseURL: String?
    /// The first system administrator.
    package var sysadmin: Sysadmin
    /// The HTTP server.
    package var server: Server
    /// Git over SSH.
    package var ssh: SSH
    /// Logging.
    package var logs: Logs
    /// How PostgreSQL is reached; `nil` for the file of the shared home.
    package var database: PostgresSettings?
    /// This node's part in the cluster.
    package var cluster: Cluster
    /// How often the database is asked whether it answers, and how long that may take.
    package var databaseCheckInterval: Duration
    /// What this node mirrors; `nil` on a primary.
    package var mirror: Mirror?
    /// How many packs are made for mirrors at a time.
    package var mirrorPacksMax: Int
    /// Whether mirrors follow the refs of pull requests by themselves.
    package var mirrorPulls: Bool
    /// Git operations.
    package var git: Git
    /// Plugins.
    package var plugins: Plugins
    /// Where to repositories may be pushed.
    package var outgoing: OutgoingRules
}
