import ClusterServices
import GitStore
import GitTransport
import HTTPServing
import HostAPI
import Hosting
import Hummingbird
import Logging
import Mirroring
import NIOCore
import NIOPosix
import Observability
import PluginHost
import Portable
import RESTAPI
import ServiceLifecycle
import SharedDatabase

/// The composition root: makes every part of the node once, and holds the one ordered list of its services.
struct NodeAssembly {
    /// Where the node is in its life.
    let status = NodeStatus()
    /// Started in this order, stopped in reverse: doors close first and drain, the database is closed last.
    let services: [any Service]

    init(
        configuration: NodeConfiguration, layout: HomeLayout, id: NodeID, logs: LogSystem,
        metrics: PrometheusRegistry, distribution: Distribution, searchPath: String
    ) throws {
        let parts = try NodeParts(
            configuration: configuration, layout: layout, id: id, distribution: distribution,
            searchPath: searchPath)
        let gate = RequestGate(status: status)
        let status = self.status
        let report = NodeReport(
            application: ApplicationProperties(
                version: Release.version, buildNumber: Release.buildNumber, buildDate: Release.buildDate,
                displayName: configuration.displayName),
            metricsAnonymous: configuration.server.anonymousMetrics,
            mirror: Self.health(of: parts.mirroring.follower)
        ) { status.state }
        let authenticator = parts.hosting.authenticator
        let hosting = parts.hosting
        let router = HTTPServing.router(identify: { hosting.namedUser($0) }) { credentials in
            if credentials != nil { try gate.check() }
            return try await authenticator.authenticate(credentials)
        }
        router.add(middleware: gate)
        RESTAPI(
            hosting: parts.hosting, plugins: parts.plugins, logs: logs, metrics: metrics, node: report,
            membership: parts.cluster.membership, locks: parts.cluster.locks,
            executors: parts.cluster.executors, jobs: parts.cluster.jobs,
            routes: parts.routes, mirroring: parts.mirroring
        ).addRoutes(to: router)
        GitHTTP(
            hosting: parts.hosting, hookSocketPath: parts.hooks.path,
            decisionTimeout: configuration.git.decisionTimeout
        ).addRoutes(to: router)
        let port = BoundPort()
        let serving = configuration.server.serving
        let application = try HTTPServing.service(
            router: router, configuration: serving, eventLoopGroup: parts.eventLoopGroup,
            logger: Logger(label: "perigee.http")
        ) { port.settle($0) }
        let http = HTTPService(application: application, configuration: serving, port: port)
        let stages = NodeStages(
            parts: parts, configuration: configuration, layout: layout, id: id, status: status, gate: gate,
            ssh: SSHPart(
                configuration: configuration.ssh, hosting: parts.hosting, hookSocketPath: parts.hooks.path,
                status: status))
        services = stages.services(http: http)
    }
}

extension NodeAssembly {
    /// How a mirror's node is, for who asks; nil on a primary.
    private static func health(of follower: MirrorFollower?) -> (@Sendable () async -> MirrorHealth)? {
        guard let follower else { return nil }
        return { await follower.health() }
    }
}

extension NodeConfiguration.Server {
    /// The settings as the HTTP server takes them.
    var serving: HTTPServingConfiguration {
        let files = tls.map {
            HTTPServingConfiguration.TLSFiles(certificateFile: $0.certificate, keyFile: $0.privateKey)
        }
        var serving = HTTPServingConfiguration(address: address, port: port, tls: files)
        serving.idleTimeout = idleTimeout
        serving.stallTimeout = stallTimeout
        serving.connectionsMax = connectionsMax
        return serving
    }
}
