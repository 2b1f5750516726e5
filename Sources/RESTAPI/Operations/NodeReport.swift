package import Mirroring

/// How the node stands, as the operations routes show it.
package struct NodeReport: Sendable {
    /// Asked at each call; must not block.
    package let state: @Sendable () -> NodeState
    /// What this server is.
    package let application: ApplicationProperties
    /// Whether `/metrics` answers callers who have not logged in (`metrics.anonymous`).
    package let metricsAnonymous: Bool
    /// Asked at each call on a mirror; nil on a primary.
    package let mirror: (@Sendable () async -> MirrorHealth)?

    /// A report whose state is read anew at each call.
    package init(
        application: ApplicationProperties, metricsAnonymous: Bool,
        mirror: (@Sendable () async -> MirrorHealth)? = nil, state: @escaping @Sendable () -> NodeState
    ) {
        self.mirror = mirror
        self.application = application
        self.metricsAnonymous = metricsAnonymous
        self.state = state
    }
}

/// Where a node is in its life.
/// - Source: Atlassian, "How to monitor if Bitbucket Server is up and running".
package enum NodeState: String, Sendable, CaseIterable {
    /// Not serving yet.
    case starting = "STARTING"
    /// Serving, but its setup is not done.
    case firstRun = "FIRST_RUN"
    /// Serving.
    case running = "RUNNING"
    /// Up, but busy with a backup or a migration.
    case maintenance = "MAINTENANCE"
    /// Draining.
    case stopping = "STOPPING"
    /// Its start went wrong.
    case error = "ERROR"
}

/// What `application-properties` answers.
package struct ApplicationProperties: Sendable {
    /// As in `1.0.0`.
    package let version: String
    /// Digits only.
    package let buildNumber: String
    /// Epoch milliseconds in digits.
    package let buildDate: String
    /// `setup.displayName`.
    package let displayName: String

    /// The facts of one build, under the instance's name.
    package init(version: String, buildNumber: String, buildDate: String, displayName: String) {
        self.version = version
        self.buildNumber = buildNumber
        self.buildDate = buildDate
        self.displayName = displayName
    }
}
