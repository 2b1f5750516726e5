/// How a node mirrors an upstream.
package struct MirrorSettings: Sendable {
    /// `setup.displayName`.
    package var name: String
    /// `setup.baseUrl`: where clients find the mirror.
    package var baseURL: String
    /// `plugin.mirroring.upstream.url`, without a slash at the end.
    package var upstreamURL: String
    /// `plugin.mirroring.farm.secret`; nil when the file has it.
    package var farmSecret: String?
    /// Where the farm's secret is kept.
    package var secretFile: String
    /// A PEM file of the authorities by which the upstream's certificate is judged; nil trusts the system's.
    package var certificateAuthorities: String?
    /// Of Perigee.
    package var version: String
    /// The name of this node, for people.
    package var nodeName: String
    /// How often everything is compared.
    package var interval: Duration = .seconds(180)
    /// How many repositories are fetched at a time.
    package var fetchesMax = 4
    /// How often a fetch is tried before it is left to the next comparison.
    package var attemptsMax = 6
    /// How long what a user may read is remembered while the upstream is away.
    package var rightsOffline: Duration = .seconds(600)

    /// For how long a repository may differ before it counts as out of sync.
    package var syncTolerance: Duration = .seconds(10)
    /// How much of what waits is shown at most.
    package var queueDumpMax = 100
    /// How objects come over SSH; nil when they come over HTTPS, with all else.
    package var ssh: SSH?

    /// How objects come over SSH.
    package struct SSH: Sendable {
        /// Such as `ssh://git.example.com:7999`; nil for what the upstream says.
        package var baseURL: String?
        /// Where this node keeps its key, and the upstream's host keys.
        package var folder: String

        /// Names both.
        package init(baseURL: String?, folder: String) {
            self.baseURL = baseURL
            self.folder = folder
        }
    }

    /// Everything that must be said.
    package init(
        name: String, baseURL: String, upstreamURL: String, farmSecret: String?, secretFile: String,
        certificateAuthorities: String?, version: String, nodeName: String
    ) {
        self.name = name
        self.baseURL = baseURL
        self.upstreamURL = upstreamURL
        self.farmSecret = farmSecret
        self.secretFile = secretFile
        self.certificateAuthorities = certificateAuthorities
        self.version = version
        self.nodeName = nodeName
    }
}
