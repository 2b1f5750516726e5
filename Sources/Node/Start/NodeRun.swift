import FoundationEssentials
import Glibc
import Hosting
import Logging
import Metrics
import Observability
import RESTAPI
import ServiceLifecycle
import UnixSignals

/// One run of a node in this process, from the checks before it starts to its clean end.
package struct NodeRun: Sendable {
    private let request: ServeRequest
    private let distribution = Distribution()

    /// Names what to run; nothing is touched yet.
    package init(_ request: ServeRequest) {
        self.request = request
    }

    /// Runs the node until SIGTERM or SIGINT, then drains and returns.
    /// - Throws: ``ConfigurationError``, ``StartError`` or a module's own error, when it cannot start or go
    ///   on.
    package func run() async throws {
        Allocator.keepLess()
        let layout = request.layout
        let configuration = try NodeConfiguration.load(
            home: layout.home, propertiesFile: layout.propertiesFile, environment: request.environment,
            overrides: request.overrides, processors: ProcessInfo.processInfo.activeProcessorCount)
        try StartupChecks.clock()
        try layout.create()
        try StartupChecks.home(layout)
        let id = try NodeIdentity.load(home: layout.home)
        let lock = try HomeLock(
            file: "\(layout.run)/lock", nodeFile: NodeFile.path(layout.run), home: layout.home, node: id)
        defer { withExtendedLifetime(lock) {} }

        let logs = LogSystem.bootstrap(
            configuration: LogConfiguration(
                directory: layout.log, standardError: true, defaultLevel: configuration.logs.defaultLevel,
                levels: configuration.logs.levels, fileBytesMax: configuration.logs.fileBytesMax,
                filesKept: configuration.logs.filesKept))
        defer { logs.flush() }
        let registry = PrometheusRegistry()
        MetricsSystem.bootstrap(registry)
        let assembly = try NodeAssembly(
            configuration: configuration, layout: layout, id: id, logs: logs, metrics: registry,
            distribution: distribution,
            searchPath: request.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin")
        try await serve(assembly, configuration)
    }

    private func serve(_ assembly: NodeAssembly, _ configuration: NodeConfiguration) async throws {
        var group = ServiceGroupConfiguration(
            services: assembly.services.map { .init(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Logger(label: "perigee.lifecycle"))
        group.maximumGracefulShutdownDuration =
            configuration.server.shutdownDelay + configuration.server.shutdownTimeout
        do {
            try await ServiceGroup(configuration: group).run()
        } catch {
            // What is cut off when the time to drain is over is a clean stop all the same.
            guard assembly.status.isStopping else { throw error }
        }
    }
}
