import ClusterServices
import PluginHost
import Portable

/// `perigee.caches`: values that are quick to read, and may be gone at any time.
enum CachesModule {
    static func module(_ services: HostServices) -> HostModule {
        HostModule(
            "caches",
            summary: "Keeps values in memory, and lets the nodes of a cluster know when they change.",
            notes: """
                The manifest names the caches: `"caches": ["reports"]`. They are this plugin's own. Values are
                plain data of at most 256 KiB and 32 levels, on a single node too; what is read is a copy.
                Keys are integers, or strings of 1 to 512 bytes; `1` and `"1"` are two keys. Anything may be
                gone at any time: what must last belongs in `perigee.kv`.

                With `mode = "invalidate"` each node has values of its own, and a change on one node makes the
                others forget theirs. With `"copy"` values travel to the other nodes through the database; it
                is for values that are costly to make and small. With `"local"` nodes know nothing of each
                other.

                When `put`, `remove`, `replace` or `clear` has returned, this node sees the change at once,
                and every other node sees the new value or none within a few milliseconds, and never later
                than 3 s under any fault: a node that cannot hear the others takes its caches for empty. When
                the others cannot be told, the call gives `nil` and an error with the code `unavailable`, and
                this node has forgotten the value.

                `put_if_absent`, `replace` and `remove` with a value are atomic in the whole cluster with
                `mode = "copy"`. Otherwise they look at this node's own value: of two nodes that do so at the
                same time both may succeed, and at most one keeps its value.
                """,
            records: [Records.error, statistics], functions: [open(services)],
            classes: [
                HostClass(
                    "Cache", summary: "A cache, as `perigee.caches.open` gives it.",
                    methods: CacheMethods.all)
            ],
            release: { plugin in
                services.cluster.caches?.release(namespace: PluginContext.storageNamespace(of: plugin))
            })
    }

    private static let statistics = HostRecord(
        "CacheStatistics", "What a cache has done on this node since it was opened.",
        [
            HostField("entries", .integer, "Entries now."),
            HostField("bytes", .integer, "Bytes of keys and values now."),
            HostField("hits", .integer, "Reads that found a value."),
            HostField("misses", .integer, "Reads that found none."),
            HostField("loads", .integer, "Values that were asked of a loader."),
            HostField("evictions", .integer, "Entries that went for want of room."),
            HostField("invalidations", .integer, "Entries that went because another node changed them."),
        ])

    private static let options: HostType = .options(
        "CacheOptions",
        [
            HostField(
                "mode", .choice(CacheSettings.Mode.allCases.map(\.rawValue)),
                "Who else sees what one node stores (default: `invalidate`).", isOptional: true),
            HostField("ttl", .string, "How long an entry lasts, such as `10m`.", isOptional: true),
            HostField(
                "idle", .string, "How long an entry lasts on a node that does not read it.",
                isOptional:
                    true),
            HostField(
                "max_entries", .integer, "Entries on a node; the one read longest ago goes (default: 10000).",
                isOptional: true),
            HostField(
                "max_size", .string, "Keys and values on a node, at most `64MiB` (default: `16MiB`).",
                isOptional: true),
            HostField(
                "loader", .function("fun(key: string|integer): any, perigee.Error?"),
                "Makes the value of a key that `get` does not find. It may wait.", isOptional: true),
        ])

    private static func open(_ services: HostServices) -> HostFunction {
        HostFunction(
            "open", summary: "Opens a cache of the plugin's.",
            parameters: [
                HostParameter("name", .string, "One of the manifest's `caches`."),
                HostParameter("options", options, "How it behaves.", isOptional: true),
            ],
            results: [HostResult("cache", .object("Cache"), "Lasts as long as the plugin.")],
            permission: .some(of: "caches"), phase: .registration,
            example: """
                local reports = perigee.caches.open("reports", { ttl = "10m", max_entries = 5000 })
                """,
            body: .making { call in
                try call.require(.named("caches", call.string(0)))
                let region = try services.require(\.cluster.caches).region(
                    namespace: PluginContext.storageNamespace(of: call.plugin.id), name: call.string(0),
                    settings: settings(call))
                guard let region else {
                    throw HostFailure.misuse(
                        "\(call.function): the caches of a plugin may hold 256MiB on a node, together")
                }
                let cache = CacheObject(region: region, loader: call.callback(1, "loader"))
                return try call.plugin.handles.add(cache, as: "Cache")
            })
    }

    private static func settings(_ call: HostCall) throws -> CacheSettings {
        let options = call.options(1)
        let entries = options["max_entries"]?.integerValue ?? 10_000
        try call.require(
            (1...Int64(CacheSettings.entriesCeiling)).contains(entries), argument: 1, "options",
            "max_entries: 1 to \(CacheSettings.entriesCeiling) expected, got \(entries)")
        var bytes: Int64 = 16 << 20
        if let text = options["max_size"]?.stringValue {
            bytes = SizeText.bytes(text) ?? 0
            try call.require(
                (1024...(64 << 20)).contains(bytes), argument: 1, "options",
                "max_size: a size such as '16MiB', at most '64MiB', expected, got '\(text)'")
        }
        return CacheSettings(
            mode: options["mode"]?.stringValue.flatMap(CacheSettings.Mode.init) ?? .invalidate,
            timeToLive: try duration(call, options, "ttl"), timeToIdle: try duration(call, options, "idle"),
            entriesMax: Int(entries), bytesMax: Int(bytes))
    }

    private static func duration(
        _ call: HostCall, _ options: PortableValue, _ name: String
    ) throws -> Duration? {
        guard let text = options[name]?.stringValue else { return nil }
        let milliseconds = DurationText.milliseconds(text) ?? 0
        try call.require(
            milliseconds > 0, argument: 1, "options",
            "\(name): a duration such as '10m' expected, got '\(text)'")
        return .milliseconds(milliseconds)
    }
}

/// What a cache in Lua code's hands stands for.
final class CacheObject: HostObject {
    let region: CacheRegion
    /// Of the plugin's state that has opened it.
    let loader: PluginCallback?

    init(region: CacheRegion, loader: PluginCallback?) {
        self.region = region
        self.loader = loader
    }
}
