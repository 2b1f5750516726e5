/// The module graph of ARCHITECTURE.md as data: who may import whom, and why not.
enum ModuleGraph {
    /// What each module of `Sources` may import of this package.
    static let allowed: [String: Set<String>] = [
        "Portable": [],
        "Observability": ["Portable"],
        "SharedDatabase": ["CPostgres", "Portable"],
        "ClusterServices": ["Portable", "SharedDatabase"],
        "GitStore": ["CGit2", "Portable"],
        "Hosting": ["GitStore", "ClusterServices", "SharedDatabase", "Portable"],
        "Mirroring": ["Hosting", "GitStore", "SharedDatabase", "Portable"],
        "LuaRuntime": ["CLuaHost", "Portable"],
        "PluginHost": ["LuaRuntime", "ClusterServices", "SharedDatabase", "Portable"],
        "HostAPI": ["PluginHost", "Hosting", "Mirroring", "GitStore", "ClusterServices", "Portable"],
        "HTTPServing": ["Hosting", "Portable"],
        "GitTransport": [
            "CSSH", "HTTPServing", "Hosting", "GitStore", "ClusterServices", "Portable",
        ],
        "RESTAPI": [
            "HTTPServing", "Hosting", "Mirroring", "GitStore", "PluginHost", "ClusterServices",
            "Observability", "Portable",
        ],
        "Node": [
            "RESTAPI", "GitTransport", "HTTPServing", "HostAPI", "PluginHost", "LuaRuntime", "Hosting",
            "Mirroring", "GitStore",
            "ClusterServices", "SharedDatabase", "Observability", "Portable",
        ],
        "perigee": ["Node", "HostAPI", "PluginHost", "Portable"],
        "CLuaHost": ["CLua"],
        "perigee-hook": [],
        "CLua": [],
        "CGit2": [],
        "CPostgres": [],
        "CSSH": [],
    ]

    /// Modules of other packages that only some of ours may import, with the reason.
    static let fenced: [String: (by: Set<String>, reason: String)] = [
        "GRDB": (
            ["SharedDatabase"], "the engine is an implementation detail of SharedDatabase, which has two"
        ),
        "Hummingbird": (
            ["HTTPServing", "GitTransport", "RESTAPI", "Node"],
            "HTTP belongs to the doors; below them nobody knows how a request came in"
        ),
        "HummingbirdCore": (["HTTPServing"], "only HTTPServing builds the channel pipeline"),
        "NIOSSL": (
            ["HTTPServing", "Mirroring", "Node"],
            "TLS ends in HTTPServing; Node's client speaks it for the command line, Mirroring's to servers"
        ),
        "AsyncHTTPClient": (["Mirroring"], "one module calls other servers, with its limits"),
        "Configuration": (["Node"], "configuration is read in one place; others are given typed settings"),
        "ArgumentParser": (["perigee"], "only the command line parses arguments"),
        "ServiceLifecycle": (["Node", "HTTPServing"], "the order of services is made in one place, Node"),
    ]

    /// Why an arrow between two of our modules is not allowed.
    static func reason(_ from: String, _ to: String) -> String {
        switch (from, to) {
        case (_, "NodeTestKit"): "test support is never part of the program"
        case ("Portable", _): "Portable is imported by all and may depend on nothing"
        case (_, "CGit2"): "git_repository is named in GitStore alone"
        case (_, "CPostgres"): "PGconn is named in SharedDatabase alone"
        case (_, "CSSH"): "ssh_session is named in GitTransport alone"
        case (_, "CLua"), (_, "CLuaHost"): "lua_State is named below LuaRuntime alone"
        case ("GitStore", "Hosting"): "GitStore is about files on disk and knows no users"
        case ("GitStore", _): "GitStore is about files on disk and needs no cluster, database or plugin"
        case ("LuaRuntime", _): "LuaRuntime runs code and knows nothing of plugins, git or the database"
        case ("PluginHost", "Hosting"), ("PluginHost", "GitStore"):
            "PluginHost knows no git; HostAPI is where plugins meet the domain"
        case ("Hosting", "PluginHost"), ("ClusterServices", "PluginHost"), ("GitTransport", "PluginHost"):
            "nothing below HostAPI knows plugins; Hosting asks push guards, which HostAPI registers"
        case ("RESTAPI", "SharedDatabase"), ("GitTransport", "SharedDatabase"),
            ("HTTPServing", "SharedDatabase"),
            ("HostAPI", "SharedDatabase"):
            "doors contain no SQL; they ask Hosting"
        case ("RESTAPI", "GitTransport"), ("GitTransport", "RESTAPI"), ("HostAPI", "RESTAPI"),
            ("RESTAPI", "HostAPI"), ("GitTransport", "HostAPI"), ("HostAPI", "GitTransport"):
            "doors stand side by side, and none opens into another"
        case (_, "Node"), (_, "perigee"):
            "Node composes the program; nothing is below it but the command line"
        case ("perigee", _): "the command line parses and dispatches; what it starts is composed in Node"
        case (_, "Observability"):
            "modules log and count through swift-log and swift-metrics, not through our backend"
        default: "arrows of the module graph point down only, to what the module's charter needs"
        }
    }
}
