package import ClusterServices
package import HTTPServing
package import Hosting
package import Hummingbird
package import Mirroring
package import Observability
package import PluginHost

/// The REST door: JSON over the domain, in the original's paths, shapes, paging and error envelope.
///
/// No SQL and no policy live here: every right is asked of `Hosting`, every answer's entity is shaped there.
/// - Source: Bitbucket Server REST API 1.0; `latest` is the same version.
package struct RESTAPI: Sendable {
    let hosting: Hosting
    let plugins: PluginHost
    let logs: LogSystem
    let metrics: PrometheusRegistry
    let node: NodeReport
    let membership: Membership?
    let locks: LockService?
    let executors: ExecutorService?
    let jobs: JobScheduler?
    let routes: RouteTable?
    let mirroring: Mirroring?

    /// - Parameters:
    ///   - metrics: What `/metrics` shows.
    ///   - node: How the node stands; asked at each call of `/status`.
    ///   - membership: This node's part in the cluster; without it there are no routes about it.
    ///   - locks: Those of the cluster; likewise.
    ///   - executors: Likewise.
    ///   - jobs: Likewise.
    ///   - routes: The endpoints of plugins; likewise.
    ///   - mirroring: Likewise.
    package init(
        hosting: Hosting, plugins: PluginHost, logs: LogSystem, metrics: PrometheusRegistry, node: NodeReport,
        membership: Membership? = nil, locks: LockService? = nil, executors: ExecutorService? = nil,
        jobs: JobScheduler? = nil, routes: RouteTable? = nil, mirroring: Mirroring? = nil
    ) {
        self.hosting = hosting
        self.plugins = plugins
        self.logs = logs
        self.metrics = metrics
        self.node = node
        self.executors = executors
        self.membership = membership
        self.locks = locks
        self.jobs = jobs
        self.routes = routes
        self.mirroring = mirroring
    }

    /// Adds every REST route, each answering under `/rest/{api}/1.0` and `/rest/{api}/latest`, as well as
    /// `/status` and `/metrics`, and the plugins' own under `/plugins/{id}`.
    package func addRoutes(to router: Router<ServingContext>) {
        StatusRoutes(node: node).add(to: router.group())
        MetricsRoutes(
            hosting: hosting, plugins: plugins, metrics: metrics, node: node, mirroring: mirroring
        ).add(to: router.group())
        CapabilityRoutes(hosting: hosting, node: node).add(to: router.group("rest"))

        let api = router.group("rest/api/:version")
        ApplicationPropertiesRoutes(node: node).add(to: api)
        LogRoutes(hosting: hosting, logs: logs).add(to: api)
        ProjectRoutes(hosting: hosting).add(to: api)
        RepositoryRoutes(hosting: hosting, mirroring: mirroring).add(to: api)
        BranchRoutes(hosting: hosting).add(to: api)
        DefaultBranchRoutes(hosting: hosting).add(to: api)
        TagRoutes(hosting: hosting).add(to: api)
        CommitRoutes(hosting: hosting).add(to: api)
        BrowseRoutes(hosting: hosting).add(to: api)
        RawRoutes(hosting: hosting).add(to: api)
        FileListRoutes(hosting: hosting).add(to: api)
        UserRoutes(hosting: hosting).add(to: api)
        UserAdministrationRoutes(hosting: hosting).add(to: api)
        GroupAdministrationRoutes(hosting: hosting).add(to: api)
        PermissionRoutes(hosting: hosting).add(to: api)
        DefaultPermissionRoutes(hosting: hosting).add(to: api)
        RepositoryHookRoutes(hosting: hosting, plugins: plugins).add(to: api)
        if let membership { ClusterRoutes(hosting: hosting, membership: membership).add(to: api) }
        if let locks { LockRoutes(hosting: hosting, locks: locks).add(to: api) }
        if let executors { ExecutorRoutes(hosting: hosting, executors: executors).add(to: api) }
        if let jobs { JobRoutes(hosting: hosting, jobs: jobs).add(to: api) }

        BranchDeletionRoutes(hosting: hosting).add(to: router.group("rest/branch-utils/:version"))
        TagDeletionRoutes(hosting: hosting).add(to: router.group("rest/git/:version"))
        AccessTokenRoutes(hosting: hosting).add(to: router.group("rest/access-tokens/:version"))
        SSHKeyRoutes(hosting: hosting).add(to: router.group("rest/ssh/:version"))
        AccessKeyRoutes(hosting: hosting).add(to: router.group("rest/keys/:version"))
        let plugin = router.group("rest/plugins/:version")
        PluginRoutes(hosting: hosting, plugins: plugins).add(to: plugin)
        PluginStorageRoutes(hosting: hosting, plugins: plugins).add(to: plugin)
        if let mirroring { addMirroring(mirroring, to: router) }
        if let routes { PluginEndpoints(routes: routes).add(to: router) }
        MethodRefusals.add(to: router, below: ["/rest", "/status", "/metrics", "/plugins"])
    }

    private func addMirroring(_ mirroring: Mirroring, to router: Router<ServingContext>) {
        let group = router.group("rest/mirroring/:version").add(middleware: MirroringErrorMiddleware())
        MirroringRequestRoutes(hosting: hosting, mirroring: mirroring).add(to: group)
        MirrorServerRoutes(hosting: hosting, mirroring: mirroring).add(to: group)
        MirrorSettingsRoutes(hosting: hosting, mirroring: mirroring).add(to: group)
        MirrorLinkRoutes(mirroring: mirroring).add(to: group)
        MirrorAuthenticateRoutes(hosting: hosting, mirroring: mirroring).add(to: group)
        PreferredMirrorRoutes(hosting: hosting, mirroring: mirroring).add(to: group)
        guard let follower = mirroring.follower else {
            return UpstreamRepositoryRoutes(hosting: hosting, mirroring: mirroring).add(to: group)
        }
        let routes = MirrorNodeRoutes(hosting: hosting, mirroring: mirroring, follower: follower)
        routes.add(to: group)
        routes.addWelcome(to: router.group())
        MirrorSupportRoutes(hosting: hosting, mirroring: mirroring, follower: follower).add(to: group)
        MirrorSettingsRelay(follower: follower).add(to: group)
    }
}
