// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is compiled with these: what a file imports stays inside it unless it says so,
/// existential types are written as such, and a warning stops the build.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1 = Target.Dependency.product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let nioHTTPCompression = Target.Dependency.product(name: "NIOHTTPCompression", package: "swift-nio-extras")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let coreMetrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let lifecycleUnix = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// A Swift target of the module graph in ARCHITECTURE.md, section "The module graph".
/// `embedded` names folders whose files become `PackageResources` in its code, such as its migrations.
func module(_ name: String, _ dependencies: [Target.Dependency], embedded: [String] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, resources: embedded.map { .embedInCode($0) },
        swiftSettings: strict)
}

/// A test target in `Tests/`.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
    name: "perigee",
    products: [
        .executable(name: "perigee", targets: ["perigee"]),
        .executable(name: "perigee-hook", targets: ["perigee-hook"]),
    ],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.30.0"),
    ],
    targets: [
        // C, made callable; decides nothing.
        .systemLibrary(name: "CLua", pkgConfig: "lua5.4", providers: [.apt(["liblua5.4-dev"])]),
        .systemLibrary(name: "CGit2", pkgConfig: "libgit2", providers: [.apt(["libgit2-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CSSH", pkgConfig: "libssh", providers: [.apt(["libssh-dev"])]),
        // C: owns every frame between lua_resume and the VM.
        .target(
            name: "CLuaHost", dependencies: ["CLua"],
            cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
        // Git's hook: C library only, so that it starts in about a millisecond.
        .executableTarget(
            name: "perigee-hook", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
            // The package manager links Swift's library into every program; unused, it would quadruple the
            // start.
            linkerSettings: [.unsafeFlags(["-static-executable", "-nostartfiles"])]),
        // Values that may leave the process.
        module("Portable", []),
        // Where log lines and metrics go, and levels that change while running.
        module("Observability", [logging, coreMetrics]),
        // One transaction API over the engines.
        module("SharedDatabase", ["CPostgres", "Portable", grdb, logging, metrics]),
        // What a cluster gives: membership, locks, caches, scheduler, executors, topics, events, key-value
        // storage.
        module(
            "ClusterServices", ["Portable", "SharedDatabase", logging, metrics], embedded: ["Migrations"]),
        // Everything that touches a bare repository on disk; knows no users.
        module("GitStore", ["CGit2", "Portable", nioCore, nioPosix, crypto, logging]),
        // Projects, repositories, users, permissions, pushes, the journal of ref changes, the home layout.
        module(
            "Hosting",
            [
                "Portable", "SharedDatabase", "ClusterServices", "GitStore", nioCore, crypto, cryptoExtras,
                logging,
                metrics,
            ], embedded: ["Migrations"]),
        // What mirrors and their upstream need of each other: identity, signed requests, links, fetches.
        module(
            "Mirroring",
            [
                "Portable", "SharedDatabase", "GitStore", "Hosting", asyncHTTPClient,
                nioCore, nioPosix, nioHTTP1, nioSSL, crypto, logging, metrics,
            ], embedded: ["Migrations"]),
        // Runs untrusted Lua within budgets on its own threads.
        module("LuaRuntime", ["CLuaHost", "Portable", logging]),
        // Finds, verifies, starts, stops and calls plugins; knows no git.
        module(
            "PluginHost",
            ["LuaRuntime", "Portable", "SharedDatabase", "ClusterServices", crypto, logging, metrics],
            embedded: ["Migrations"]),
        // The Lua-visible API: one file per Lua module.
        module(
            "HostAPI",
            ["PluginHost", "Hosting", "Mirroring", "GitStore", "ClusterServices", "Portable", logging]),
        // The HTTP server without routes: pipeline, limits, request ids, authentication.
        module(
            "HTTPServing",
            [
                "Hosting", "Portable", hummingbird, hummingbirdCore, nioCore, nioPosix,
                nioHTTP1, nioHTTPTypes,
                nioHTTPTypesHTTP1, nioHTTPCompression, nioSSL, httpTypes, logging, metrics,
            ]),
        // Git's wire protocols as doors, and the socket that git's hooks call back to.
        module(
            "GitTransport",
            [
                "CSSH", "HTTPServing", "Hosting", "GitStore", "ClusterServices", "Portable", hummingbird,
                nioCore, nioPosix, httpTypes, logging, metrics,
            ]),
        // JSON over the domain, in the original's shapes.
        module(
            "RESTAPI",
            [
                "HTTPServing", "Hosting", "Mirroring", "GitStore", "PluginHost", "ClusterServices",
                "Portable",
                "Observability", hummingbird, nioCore, httpTypes, logging,
            ]),
        // Composition root: configuration -> ordered services -> run.
        module(
            "Node",
            [
                "RESTAPI", "GitTransport", "HTTPServing", "HostAPI", "PluginHost", "LuaRuntime", "Hosting",
                "Mirroring", "GitStore",
                "ClusterServices", "SharedDatabase", "Observability", "Portable", hummingbird, nioCore,
                nioPosix, nioSSL,
                lifecycle, lifecycleUnix, configuration, logging, metrics, coreMetrics,
            ]),
        // The command line: parse, dispatch.
        .executableTarget(
            name: "perigee",
            dependencies: ["Node", "HostAPI", "PluginHost", "Portable", argumentParser, logging],
            swiftSettings: strict),

        // Benchmarks/lua-host-call: a host call against a plain C function in a stock state, which the C
        // target has.
        .target(
            name: "CPlainLua", dependencies: ["CLua"], path: "Benchmarks/lua-host-call/plain",
            cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
        .executableTarget(
            name: "lua-host-call",
            dependencies: [
                "PluginHost", "LuaRuntime", "CLuaHost", "CPlainLua", "ClusterServices", "SharedDatabase",
                "NodeTestKit", "Portable", logging,
            ],
            path: "Benchmarks/lua-host-call/program", swiftSettings: strict),
        // Benchmarks/lua-programs: programs in pure Lua, in the sandbox and in the stock interpreter.
        .executableTarget(
            name: "lua-programs", dependencies: ["LuaRuntime"], path: "Benchmarks/lua-programs/program",
            swiftSettings: strict),
        // Benchmarks/lua-fairness: a quiet plugin's calls beside hostile ones.
        .executableTarget(
            name: "lua-fairness", dependencies: ["LuaRuntime", "Portable"],
            path: "Benchmarks/lua-fairness/program", swiftSettings: strict),
        // Benchmarks/cluster-caches: hits beside Redis, and how quickly nodes hear of changes.
        .executableTarget(
            name: "cluster-caches",
            dependencies: [
                "HostAPI", "PluginHost", "ClusterServices", "SharedDatabase", "NodeTestKit", "Portable",
                logging,
            ],
            path: "Benchmarks/cluster-caches/program", swiftSettings: strict),

        // Benchmarks/cluster-executor: tasks through a bucketed executor on PostgreSQL, on one node and on
        // three.
        .executableTarget(
            name: "cluster-executor",
            dependencies: ["ClusterServices", "SharedDatabase", "NodeTestKit", "Portable", logging],
            path: "Benchmarks/cluster-executor/program", swiftSettings: strict),

        // Benchmarks/cluster-locks: a million grants on real processes under faults, and how long locks of lost
        // nodes take.
        .executableTarget(
            name: "cluster-locks",
            dependencies: ["ClusterServices", "SharedDatabase", "NodeTestKit", "Portable", logging],
            path: "Benchmarks/cluster-locks/program", swiftSettings: strict),

        // Benchmarks/cluster-jobs: how late jobs begin on three nodes with PostgreSQL, and what they cost.
        .executableTarget(
            name: "cluster-jobs",
            dependencies: ["ClusterServices", "SharedDatabase", "NodeTestKit", logging],
            path: "Benchmarks/cluster-jobs/program", swiftSettings: strict),

        // Test support: real nodes with real git. Never imported by Sources.
        .target(
            name: "NodeTestKit", dependencies: ["Portable"], path: "Tests/NodeTestKit", swiftSettings: strict),
        // Test support: throw-away databases of both engines and the members of a cluster in one process.
        .target(
            name: "ClusterTestKit",
            dependencies: ["ClusterServices", "SharedDatabase", "NodeTestKit", "Portable", logging],
            path: "Tests/ClusterTestKit", swiftSettings: strict),
        tests("PortableTests", ["Portable"]),
        tests(
            "SharedDatabaseTests",
            ["SharedDatabase", "ClusterTestKit", "NodeTestKit", "Portable", logging]),
        tests(
            "ClusterServicesTests",
            ["ClusterServices", "SharedDatabase", "ClusterTestKit", "NodeTestKit", "Portable", logging]),
        tests(
            "GitStoreTests",
            ["GitStore", "NodeTestKit", "Portable", "perigee-hook", nioCore, nioPosix, logging]),
        tests(
            "HostingTests",
            [
                "Hosting", "ClusterTestKit", "NodeTestKit", "GitStore", "ClusterServices", "SharedDatabase",
                "Portable", logging, nioCore, nioPosix,
            ]),
        tests(
            "MirroringTests",
            [
                "Mirroring", "Hosting", "ClusterTestKit", "NodeTestKit", "GitStore", "ClusterServices",
                "SharedDatabase", "Portable", logging, nioCore, nioPosix,
            ]),
        tests("LuaRuntimeTests", ["LuaRuntime", "CLuaHost", "NodeTestKit", "Portable"]),
        tests(
            "PluginHostTests",
            [
                "PluginHost", "LuaRuntime", "ClusterServices", "SharedDatabase", "Portable", crypto, logging,
            ]),
        tests(
            "HostAPITests",
            [
                "HostAPI", "NodeTestKit", "PluginHost", "LuaRuntime", "Hosting", "GitStore",
                "ClusterServices", "SharedDatabase", "Portable", nioPosix, logging,
            ]),
        tests(
            "GitTransportTests",
            [
                "GitTransport", "Hosting", "NodeTestKit", "GitStore", "ClusterServices", "SharedDatabase",
                "Portable", nioCore, nioPosix, logging,
            ]),
        tests(
            "NodeTests",
            [
                "Node", "RESTAPI", "HTTPServing", "Hosting", "NodeTestKit", "Observability", "Portable",
                "SharedDatabase", hummingbird, lifecycle, nioPosix, logging, coreMetrics,
            ]),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "NodeTestKit", "Mirroring", "SharedDatabase", "Portable", "perigee", "perigee-hook", logging,
            ],
            exclude: ["scripts", "fixtures"], swiftSettings: strict),
        tests("TidyTests", []),
    ]
)
