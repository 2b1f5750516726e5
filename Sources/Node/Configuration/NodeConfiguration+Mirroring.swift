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
        return Mirror(
            upstreamURL: withoutTrailingSlash(upstream),
            farmSecret: try values.optionalString(SettingTable.mirroringFarmSecret),
            certificateAuthorities: try values.optionalPath(SettingTable.mirroringAuthorities),
            interval: try values.seconds(SettingTable.mirroringInterval),
            fetchesMax: try values.int(SettingTable.mirroringFetches),
            attemptsMax: try values.int(SettingTable.mirroringAttempts),
            rightsOffline: try values.seconds(SettingTable.mirroringRightsOffline),
            syncTolerance: try values.seconds(SettingTable.mirroringTolerance),
            queueDumpMax: try values.int(SettingTable.mirroringQueueDump))
    }
}
