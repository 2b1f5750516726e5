import PluginHost
import Portable

/// `perigee.config`: the settings that the manifest declares.
enum ConfigModule {
    static func module() -> HostModule {
        HostModule(
            "config",
            summary: "The plugin's settings: what an administrator set, else the manifest's defaults.",
            notes: """
                `perigee.config.interval` reads the setting `interval` of the manifest's `config`. Durations
                are given in milliseconds and sizes in bytes, as integers. A setting that has no default and
                was not set is `nil`; reading one that the manifest does not declare is an error.
                """,
            index: HostIndex("Settings that the manifest declares under `config`.", value: value),
            functions: [repository, onChange, onRepositoryChange])
    }

    @Sendable private static func value(_ plugin: PluginContext, _ key: String) throws -> PortableValue {
        let fields = plugin.manifest.config.fields
        guard key.isStreamSafe, fields[key] != nil else {
            let names = Array(fields.keys) + ["repository", "on_change", "on_repository_change"]
            let hint = Nearest.match(key, among: names).map { "; did you mean '\($0)'?" } ?? ""
            throw HostFailure.misuse(
                "plugin.json declares no setting '\(key.cut(toBytes: 80))' under \"config\"\(hint)")
        }
        return plugin.settings[key] ?? .null
    }

    private static let repository = HostFunction(
        "repository",
        summary: """
            Gives the settings of a repository, which the manifest declares under `repository_config`, with \
            defaults filled in.
            """,
        parameters: [HostParameter("repository", .repository, "Which.")],
        results: [
            HostResult("settings", .table, "`nil` where the plugin is not switched on.", isOptional: true)
        ],
        example: """
            local settings = perigee.config.repository(12)
            if settings then perigee.log.info("switched on here") end
            """,
        body: .waiting { call in
            [try await call.plugin.repositorySettings(call.repository(0)).map(PortableValue.map) ?? .null]
        })

    private static let onChange = HostFunction(
        "on_change",
        summary: """
            Calls a function after an administrator changed the settings of `config`: on every node, within \
            seconds.
            """,
        parameters: [HostParameter("handler", .function("fun()"), "Called without arguments; may wait.")],
        phase: .registration,
        example: """
            perigee.config.on_change(function()
              perigee.log.info("settings changed")
            end)
            """,
        body: .immediate { call in
            try call.plugin.onSettingChange(call.callback(0))
            return []
        })

    private static let onRepositoryChange = HostFunction(
        "on_repository_change",
        summary: """
            Calls a function after an administrator changed the settings of a repository, or switched the \
            plugin on or off there.
            """,
        parameters: [
            HostParameter(
                "handler", .function("fun(repository: integer)"),
                "Called with the repository's id, on the node that made the change; may wait.")
        ],
        phase: .registration,
        example: """
            perigee.config.on_repository_change(function(repository)
              local settings = perigee.config.repository(repository)
              perigee.log.info(settings and "switched on" or "switched off", { repository = repository })
            end)
            """,
        body: .immediate { call in
            try call.plugin.onRepositorySettingChange(call.callback(0))
            return []
        })
}
