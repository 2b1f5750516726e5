import PluginHost
import Portable

/// `perigee.plugin`: the plugin itself.
enum PluginModule {
    static func module() -> HostModule {
        HostModule(
            "plugin", summary: "The plugin itself: who it is, and its start and stop.",
            constants: [
                HostConstant("id", .string, "The manifest's id.") { .string($0.id) },
                HostConstant("version", .string, "The manifest's version.") { .string($0.version) },
                HostConstant("name", .string, "The manifest's name.") { .string($0.manifest.name) },
            ],
            functions: [
                function(
                    "on_start",
                    "Calls a function once the node serves, or when the plugin is loaded into one that does.",
                    "ready"
                ) { try $0.onStart($1) },
                function(
                    "on_stop",
                    "Calls a function before the plugin ends: at a reload, when it is disabled, at the end.",
                    "goodbye"
                ) { try $0.onStop($1) },
            ])
    }

    private static func function(
        _ name: String, _ summary: String, _ word: String,
        _ register: @escaping @Sendable (PluginContext, PluginCallback) throws -> Void
    ) -> HostFunction {
        HostFunction(
            name, summary: summary,
            parameters: [HostParameter("handler", .function("fun()"), "Called without arguments; may wait.")],
            phase: .registration,
            example: """
                perigee.plugin.\(name)(function()
                  perigee.log.info("\(word)", { version = perigee.plugin.version })
                end)
                """,
            body: .immediate { call in
                try register(call.plugin, call.callback(0))
                return []
            })
    }
}
