import GitStore

extension NodeConfiguration {
    /// What this node has to do with mirrors.
    package struct Mirror: Sendable {
        /// The server that this node mirrors.
        package var upstreamURL: String
        /// What all nodes of the farm know; `nil` when a file has it.
        package var farmSecret: String?
        /// The PEM file of authorities; `nil` for those of the system.
        package var certificateAuthorities: String?
        /// How often everything is compared.
        package var interval: Duration
        /// How many repositories are fetched at a time.
        package var fetchesMax: Int
        /// How often a fetch is tried.
        package var attemptsMax: Int
        /// How long rights are remembered while the upstream is away.
        package var rightsOffline: Duration
        /// For how long a repository may differ.
        package var syncTolerance: Duration
        /// How much of what waits is shown.
        package var queueDumpMax: Int
        /// Whether objects come over SSH.
        package var fetchesBySSH: Bool
        /// Where the upstream's SSH port is; nil for what the upstream says.
        package var sshURL: String?
    }

    static func mirror(_ values: SettingValues) throws -> Mirror? {
        guard try values.string(SettingTable.applicationMode) == "mirror" else { return nil }
        guard let upstream = try values.optionalString(SettingTable.mirroringUpstream) else {
            throw ConfigurationError.inconsistent(
                "application.mode is mirror, but plugin.mirroring.upstream.url is missing. "
                    + "Set it to the base URL of the server to mirror.")
        }
        guard try values.optionalString(SettingTable.baseURL) != nil else {
            throw ConfigurationError.inconsistent(
                "application.mode is mirror, but setup.baseUrl is missing. "
                    + "Set it to where clients find the mirror.")
        }
        guard try database(values) == nil else {
            throw ConfigurationError.inconsistent(
                "application.mode is mirror, and a mirror keeps its database in its own home. "
                    + "Remove the keys of the database.")
        }
        let sshURL = try values.optionalString(SettingTable.mirroringSSHURL)
        if let sshURL, (try? SSHLine.address(sshURL)) == nil {
            throw ConfigurationError.inconsistent(
                "plugin.mirroring.fetch.ssh.url is \"\(sshURL.prefix(100))\", which is not ssh://, a host "
                    + "and a port. Give an address such as ssh://git.example.com:7999.")
        }
        return Mirror(
            upstreamURL: withoutTrailingSlash(upstream),
            farmSecret: try values.optionalString(SettingTable.mirroringFarmSecret),
            certificateAuthorities: try values.optionalPath(SettingTable.mirroringAuthorities),
            interval: try values.seconds(SettingTable.mirroringInterval),
            fetchesMax: try values.int(SettingTable.mirroringFetches),
            attemptsMax: try values.int(SettingTable.mirroringAttempts),
            rightsOffline: try values.seconds(SettingTable.mirroringRightsOffline),
            syncTolerance: try values.seconds(SettingTable.mirroringTolerance),
            queueDumpMax: try values.int(SettingTable.mirroringQueueDump),
            fetchesBySSH: try values.string(SettingTable.mirroringTransport) == "ssh", sshURL: sshURL)
    }
}
