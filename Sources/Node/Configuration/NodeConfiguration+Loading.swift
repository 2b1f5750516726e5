import Configuration
import GitStore
import Hosting
import Logging
import Portable

extension NodeConfiguration {
    /// Reads the configuration: `overrides` over environment over file over defaults.
    /// - Parameter home: What relative paths count from.
    /// - Parameter overrides: The texts of `--property`, each `key=value`.
    /// - Parameter processors: How many processors defaults are reckoned from.
    /// - Throws: ``ConfigurationError`` for the first unknown key or wrong value.
    package static func load(
        home: String, propertiesFile: String, environment: [String: String], overrides: [String],
        processors: Int
    ) throws -> NodeConfiguration {
        let layers = try SettingLayers(
            propertiesFile: propertiesFile, environment: environment, overrides: overrides)
        let values = SettingValues(reader: layers.reader, home: home)
        return NodeConfiguration(
            displayName: try values.string(SettingTable.displayName),
            baseURL: try values.optionalString(SettingTable.baseURL).map(withoutTrailingSlash),
            sysadmin: try sysadmin(values), server: try server(values), ssh: try ssh(values),
            logs: try logs(values, layers),
            database: try database(values),
            cluster: Cluster(
                name: try values.optionalString(SettingTable.clusterNodeName),
                address: try values.optionalString(SettingTable.clusterNodeAddress),
                lease: try values.seconds(SettingTable.clusterLease)),
            databaseCheckInterval: try values.seconds(SettingTable.databaseCheckInterval),
            mirror: try mirror(values),
            mirrorPacksMax: try values.int(SettingTable.mirroringHosting),
            mirrorPulls: try values.bool(SettingTable.mirroringPulls),
            git: try git(values, processors: processors),
            plugins: try plugins(values, processors: processors),
            outgoing: try outgoing(values))
    }

    private static func sysadmin(_ values: SettingValues) throws -> Sysadmin {
        let username = try values.string(SettingTable.sysadminUsername)
        return Sysadmin(
            username: username, password: try values.optionalString(SettingTable.sysadminPassword),
            displayName: try values.optionalString(SettingTable.sysadminDisplayName) ?? username,
            emailAddress: try values.string(SettingTable.sysadminEmailAddress))
    }

    private static func server(_ values: SettingValues) throws -> Server {
        let connectionsMax = try values.int(SettingTable.serverConnectionsMax)
        return Server(
            port: try values.int(SettingTable.serverPort),
            address: try values.string(SettingTable.serverAddress), tls: try tls(values),
            idleTimeout: try values.seconds(SettingTable.serverIdleTimeout),
            stallTimeout: try values.seconds(SettingTable.serverStallTimeout),
            connectionsMax: connectionsMax == 0 ? nil : connectionsMax,
            shutdownTimeout: try values.seconds(SettingTable.serverShutdownTimeout),
            shutdownDelay: try values.seconds(SettingTable.serverShutdownDelay),
            anonymousMetrics: try values.bool(SettingTable.anonymousMetrics))
    }

    private static func tls(_ values: SettingValues) throws -> (certificate: String, privateKey: String)? {
        let certificate = try values.optionalPath(SettingTable.serverCertificate)
        let privateKey = try values.optionalPath(SettingTable.serverPrivateKey)
        guard try values.bool(SettingTable.serverTLS) else { return nil }
        guard let certificate, let privateKey else {
            throw ConfigurationError.inconsistent(
                "server.ssl.enabled is true, but server.ssl.certificate or "
                    + "server.ssl.certificate-private-key is "
                    + "missing. Set both to PEM files.")
        }
        return (certificate, privateKey)
    }

    private static func logs(_ values: SettingValues, _ layers: SettingLayers) throws -> Logs {
        var levels: [String: Logger.Level] = [:]
        for name in layers.names(of: SettingTable.loggingLevel) {
            let text = try values.reader.requiredString(
                forKey: ConfigKey(SettingTable.loggingLevel.patternPrefix + name))
            levels[name] = Logger.Level(named: text)
        }
        return Logs(
            defaultLevel: try values.bool(SettingTable.loggingDebug) ? .debug : .info, levels: levels,
            fileBytesMax: max(64 * 1024, try values.int(SettingTable.loggingFileSize)),
            filesKept: try values.int(SettingTable.loggingFileCount))
    }

    private static func git(_ values: SettingValues, processors: Int) throws -> Git {
        let limit = try values.int(SettingTable.hostingLimit)
        let size = try values.int(SettingTable.pushSizeMax)
        let threads = try values.int(SettingTable.gitThreads)
        return Git(
            anonymousAccess: try values.bool(SettingTable.publicAccess),
            hostingTicketsMax: limit == 0 ? max(4, 6 * processors) : limit,
            hostingQueueMax: try values.int(SettingTable.hostingQueue),
            hostingTicketTimeout: try values.seconds(SettingTable.hostingTimeout),
            decisionTimeout: try values.seconds(SettingTable.decisionTimeout),
            pushBytesMax: size == 0 ? nil : Int64(size),
            defaultBranch: try values.string(SettingTable.defaultBranch),
            executable: try values.string(SettingTable.gitExecutable),
            readThreads: threads == 0 ? max(4, 2 * processors) : threads)
    }

    private static func plugins(_ values: SettingValues, processors: Int) throws -> Plugins {
        let threads = try values.int(SettingTable.pluginThreads)
        return Plugins(
            firstPartyDirectory: try values.optionalPath(SettingTable.pluginsDirectory),
            disabled: Set(try values.strings(SettingTable.pluginsDisabled)),
            memoryBytesMax: Int64(try values.int(SettingTable.pluginMemoryMax)),
            handlerTime: try values.seconds(SettingTable.pluginHandlerTime),
            pushWait: try values.seconds(SettingTable.pluginPushWait),
            storageBytesMax: Int64(try values.int(SettingTable.pluginStorageMax)),
            threads: threads == 0 ? max(2, processors / 2) : threads,
            quarantineKills: try values.int(SettingTable.pluginQuarantineKills),
            quarantineWindow: try values.seconds(SettingTable.pluginQuarantineWindow))
    }

    static func withoutTrailingSlash(_ url: String) -> String {
        url.hasSuffix("/") ? String(url.dropLast()) : url
    }
}

extension NodeConfiguration {
    static func outgoing(_ values: SettingValues) throws -> OutgoingRules {
        var rules = OutgoingRules()
        rules.hosts = try values.strings(SettingTable.remoteHosts).map { text in
            guard let pattern = HostPattern(text) else {
                throw ConfigurationError.inconsistent(
                    "plugin.remotes.hosts has \"\(text)\", which is no host. "
                        + "Write git.example.com, *.example.com or *.")
            }
            return pattern
        }
        rules.privateNetworks = try values.strings(SettingTable.remoteNetworks).map { text in
            guard let network = AddressNetwork(text) else {
                throw ConfigurationError.inconsistent(
                    "plugin.remotes.private-networks has \"\(text)\", which is no network. "
                        + "Write it like 10.1.0.0/16 or fd00::/8.")
            }
            return network
        }
        rules.pushesMax = try values.int(SettingTable.remotePushes)
        return rules
    }
}
