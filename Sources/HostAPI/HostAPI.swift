package import ClusterServices
package import Hosting
package import Mirroring
package import PluginHost

/// The Lua-visible API: one file per Lua module, each function declared once with its types, docs and
/// permission.
package enum HostAPI {
    /// The modules over real services, in the order they are documented.
    /// - Parameter routes: Where endpoints go; without it plugins with endpoints cannot start.
    package static func modules(
        hosting: Hosting, kv: KeyValueStore, cluster: ClusterAPIs = ClusterAPIs(),
        routes: RouteTable? = nil, mirroring: Mirroring? = nil
    ) -> [HostModule] {
        modules(
            HostServices(
                hosting: hosting, kv: kv, cluster: cluster, routes: routes, mirroring: mirroring))
    }

    /// The modules of a program that has no repositories, such as a measurement.
    package static func modules(cluster: ClusterAPIs) -> [HostModule] {
        modules(HostServices(hosting: nil, kv: nil, cluster: cluster))
    }

    /// The generated part of the SDK by path below `sdk/`: `types/perigee.lua` and
    /// `reference/modules/<module>.md`.
    package static func sdkFiles() -> [String: String] {
        let modules = modules(HostServices(hosting: nil, kv: nil))
        var files = ["types/perigee.lua": StubWriter(modules: modules).text()]
        for module in modules {
            files["reference/modules/\(module.name).md"] = ReferenceWriter(module: module).text()
        }
        files["reference/README.md"] = ReferenceWriter.index(of: modules)
        return files
    }

    /// The declared modules without services behind them, for tools and tests.
    package static func declarations() -> [HostModule] { modules(HostServices(hosting: nil, kv: nil)) }

    private static func modules(_ services: HostServices) -> [HostModule] {
        [
            EventsModule.module(), RepositoriesModule.module(services), RefsModule.module(services),
            CommitsModule.module(services), ProjectsModule.module(services), KVModule.module(services),
            CachesModule.module(services), TopicsModule.module(services), ClusterModule.module(services),
            LocksModule.module(services), ExecutorsModule.module(services), JobsModule.module(services),
            RoutesModule.module(services), MirrorsModule.module(services), RemotesModule.module(services),
            ConfigModule.module(), LogModule.module(), TimeModule.module(), JSONModule.module(),
            PluginModule.module(),
        ]
    }
}
