import Portable

/// Every configuration key that this program knows, in the order of the reference in `docs/operating.md`.
package enum SettingTable {
    /// The table.
    package static let settings: [Setting] =
        setup + server + ssh + database + cluster + mirroring + logging + hosting + plugins

    /// The row that a key belongs to, by its name or as one of a pattern.
    static func setting(for key: String) -> Setting? {
        byName[key] ?? patterns.first { $0.matches(key) }
    }

    /// The known key that an unknown one resembles most; a pattern is compared without its free part.
    static func nearest(to key: String) -> String {
        let parts = key.split(separator: ".")
        for pattern in patterns {
            let fixed = pattern.patternPrefix.split(separator: ".")
            let begin = parts.prefix(fixed.count).joined(separator: ".")
            if parts.count > fixed.count, Nearest.match(begin, among: [fixed.joined(separator: ".")]) != nil {
                return pattern.name
            }
        }
        return Nearest.closest(key, among: settings.map(\.name)) ?? key
    }

    private static let byName = Dictionary(
        uniqueKeysWithValues: settings.filter { !$0.isPattern }.map { ($0.name, $0) })
    private static let patterns = settings.filter(\.isPattern)
}

extension SettingTable {
    static let applicationMode = Setting(
        "application.mode", .choice(["default", "mirror"]), "default",
        "What this node is. `default`: a primary that owns its repositories; `mirror`: it has copies of "
            + "those of `plugin.mirroring.upstream.url`.")
    static let displayName = Setting(
        "setup.displayName", .text, "Perigee", "The name of this instance, for people.")
    static let baseURL = Setting(
        "setup.baseUrl", .url, nil,
        "What links and clone URLs begin with. Without it, the address and port that the node serves.")
    static let sysadminUsername = Setting(
        "setup.sysadmin.username", .text, "admin",
        "The first system administrator, made at the first start only.")
    static let sysadminPassword = Setting(
        "setup.sysadmin.password", .text, nil, isSecret: true,
        "Their password. Without it a one-time password is made and printed once on standard error.")
    static let sysadminDisplayName = Setting(
        "setup.sysadmin.displayName", .text, nil, "Their full name. Without it, the user name.")
    static let sysadminEmailAddress = Setting(
        "setup.sysadmin.emailAddress", .text, "admin@localhost", "Their mail address.")

    static let setup = [
        applicationMode, displayName, baseURL, sysadminUsername, sysadminPassword, sysadminDisplayName,
        sysadminEmailAddress,
    ]
}

extension SettingTable {
    static let serverPort = Setting(
        "server.port", .integer(0...65_535), "7990",
        "The TCP port for HTTP. 0 takes any free one; `run/node.json` and the serving line tell which.")
    static let serverAddress = Setting(
        "server.address", .text, "0.0.0.0", "The address to listen on: a name, an IPv4 or an IPv6 address.")
    static let serverTLS = Setting("server.ssl.enabled", .boolean, "false", "Whether the port speaks TLS.")
    static let serverCertificate = Setting(
        "server.ssl.certificate", .path, nil,
        "The PEM file of the certificate chain, the server's own certificate first.")
    static let serverPrivateKey = Setting(
        "server.ssl.certificate-private-key", .path, nil, "The PEM file of its private key, not encrypted.")
    static let serverIdleTimeout = Setting(
        "server.idle-timeout", .seconds(1...86_400), "60",
        "How long a connection may stay open between requests.")
    static let serverStallTimeout = Setting(
        "server.stall-timeout", .seconds(1...86_400), "120",
        "After how long without a byte of progress a half-read request or half-written answer is given up.")
    static let serverConnectionsMax = Setting(
        "server.max-connections", .integer(0...1_000_000), "10000",
        "How many connections are served at a time; more wait. 0 is no limit.")
    static let serverShutdownTimeout = Setting(
        "server.shutdown-timeout", .seconds(0...86_400), "30",
        "How long a stop waits for operations that run, before they are ended.")
    static let serverShutdownDelay = Setting(
        "server.shutdown-delay", .seconds(0...300), "0",
        "How long a node that was asked to stop goes on taking requests, while `/status` says STOPPING. "
            + "Behind a balancer, as long as that needs to notice: `2` with what "
            + "`perigee admin haproxy-config` prints."
    )
    static let databaseCheckInterval = Setting(
        "server.database-check-interval", .seconds(1...3_600), "5",
        "How often the node asks its database. While that does not answer for as long, `/status` says ERROR.")
    static let anonymousMetrics = Setting(
        "metrics.anonymous", .boolean, "false",
        "Whether `/metrics` answers without credentials. Otherwise it asks for a system administrator.")

    static let server = [
        serverPort, serverAddress, serverTLS, serverCertificate, serverPrivateKey, serverIdleTimeout,
        serverStallTimeout, serverConnectionsMax, serverShutdownTimeout, serverShutdownDelay,
        databaseCheckInterval,
        anonymousMetrics,
    ]
}

extension SettingTable {
    static let loggingDebug = Setting(
        "logging.debug.enabled", .boolean, "false", "Whether all loggers start at DEBUG instead of INFO.")
    static let loggingLevel = Setting(
        "logging.logger.<name>", .level, nil,
        "The level of one logger and those below it, such as `logging.logger.perigee.git=DEBUG`; "
            + "`ROOT` is all. "
            + "Levels also change while the node runs: `PUT /rest/api/latest/logs/logger/{name}/{level}`.")
    static let loggingFileSize = Setting(
        "logging.file.max-size", .size, "25M", "How large `log/perigee.log` grows before it is put aside.")
    static let loggingFileCount = Setting(
        "logging.file.max-history", .integer(1...1_000), "10", "How many files put aside are kept.")

    static let logging = [loggingDebug, loggingLevel, loggingFileSize, loggingFileCount]
}

extension SettingTable {
    static let publicAccess = Setting(
        "feature.public.access", .boolean, "true",
        "Whether public projects and repositories can be read without credentials.")
    static let hostingLimit = Setting(
        "throttle.resource.scm-hosting.fixed.limit", .integer(0...10_000), "0",
        "How many clones, fetches and pushes run at a time. 0 is six times the number of processors.")
    static let hostingQueue = Setting(
        "throttle.resource.scm-hosting.queue", .integer(0...100_000), "250",
        "How many more may wait for their turn; further ones are told at once that the server is busy.")
    static let hostingTimeout = Setting(
        "throttle.resource.scm-hosting.timeout", .seconds(1...3_600), "120",
        "How long one waits for its turn before it is told that the server is busy.")
    static let pushSizeMax = Setting(
        "receive.max-size", .size, "0",
        "How large the pack of one push may be; a larger one is refused with a sentence. 0 is no limit.")
    static let decisionTimeout = Setting(
        "receive.decision-timeout", .seconds(1...3_600), "120",
        "How long a push waits for the decision on it, that of all plugins together; then it is refused.")
    static let defaultBranch = Setting(
        "repository.default-branch", .text, "master",
        "The default branch of a repository that is made without naming one.")
    static let gitExecutable = Setting(
        "git.path.executable", .text, "git",
        "The git program, 2.39.1 or newer: an absolute path, or a name that is looked up in `PATH` at start.")
    static let gitThreads = Setting(
        "git.read-threads", .integer(0...256), "0",
        "How many threads read repositories inside the node. 0 is twice the number of processors, at least 4."
    )

    static let hosting = [
        publicAccess, hostingLimit, hostingQueue, hostingTimeout, pushSizeMax, decisionTimeout, defaultBranch,
        gitExecutable,
        gitThreads,
    ]
}

extension SettingTable {
    static let pluginsDirectory = Setting(
        "plugins.dir", .path, nil,
        "Where the first-party plugins are. Without it, the `plugins` folder of the distribution, found "
            + "beside or above the program.")
    static let pluginsDisabled = Setting(
        "plugins.disabled", .list, "", "Ids of plugins that are not started whatever else says.")
    static let pluginMemoryMax = Setting(
        "plugins.memory.max", .size, "64M", "The most Lua heap that one plugin may ask for.")
    static let pluginHandlerTime = Setting(
        "plugins.handler.max-seconds", .seconds(1...60), "1",
        "CPU time after which one call of a plugin is ended.")
    static let pluginPushWait = Setting(
        "plugins.push.max-seconds", .seconds(1...300), "5",
        "How long a push waits for the answer of one plugin.")
    static let pluginStorageMax = Setting(
        "plugins.storage.max", .size, "1G", "How much one plugin may keep in key-value storage.")
    static let pluginThreads = Setting(
        "plugins.threads", .integer(0...256), "0",
        "How many threads run installed plugins' Lua code; as many more, in the background, run the plugins "
            + "that use much CPU time. 0 is half the number of processors; at least 2.")

    static let pluginQuarantineKills = Setting(
        "plugins.quarantine.kills", .integer(0...1_000), "3",
        "How many runs of a plugin may be ended, for CPU time or memory, before it is put in quarantine: the "
            + "last one of these does it. 0 is never.")
    static let pluginQuarantineWindow = Setting(
        "plugins.quarantine.window", .seconds(1...86_400), "60",
        "Within how long they must be ended for that.")

    static let remoteHosts = Setting(
        "plugin.remotes.hosts", .list, "*",
        "Hosts that plugins may push repositories to, such as `git.example.com` or `*.example.com`; `*` is "
            + "every one.")
    static let remoteNetworks = Setting(
        "plugin.remotes.private-networks", .list, "",
        "Networks, such as `10.1.0.0/16`, in which plugins may push to addresses that are not public, and "
            + "over plain HTTP.")
    static let remotePushes = Setting(
        "throttle.resource.remote-push", .integer(1...1_000), "4",
        "How many pushes to other servers run at a time.")

    static let plugins = [
        pluginsDirectory, pluginsDisabled, pluginMemoryMax, pluginHandlerTime, pluginPushWait,
        pluginStorageMax, pluginThreads, pluginQuarantineKills, pluginQuarantineWindow,
        remoteHosts, remoteNetworks, remotePushes,
    ]
}
