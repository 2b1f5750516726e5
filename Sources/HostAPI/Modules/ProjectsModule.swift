import Hosting
import PluginHost
import Portable

/// `perigee.projects`: the projects of this server.
enum ProjectsModule {
    static func module(_ services: HostServices) -> HostModule {
        HostModule(
            "projects", summary: "Finds projects. A plugin sees all of them: an administrator granted it.",
            records: [Records.project], functions: [get(services), each(services)])
    }

    private static func get(_ services: HostServices) -> HostFunction {
        HostFunction(
            "get", summary: "Gives the project with a key.",
            parameters: [HostParameter("key", .string, "The project's key, without regard to case.")],
            results: [
                HostResult("project", .record("Project"), "`nil` when there is none.", isOptional: true)
            ],
            permission: .read("projects"),
            example: """
                local project = perigee.projects.get("PRJ")
                """,
            body: .waiting { call in
                [try await services.require(\.hosting).projects.find(key: call.string(0))?.luaTable ?? .null]
            })
    }

    private static func each(_ services: HostServices) -> HostFunction {
        HostFunction(
            "each", summary: "Goes over all projects, by name.",
            results: [HostResult("project", .record("Project"), "One project after another.")],
            permission: .read("projects"),
            example: """
                for project in perigee.projects.each() do
                  perigee.log.info(project.key)
                end
                """,
            body: .pages { _, cursor in
                let start = Int(clamping: cursor?.integerValue ?? 0)
                let page = try await services.require(\.hosting).projects.list(
                    page: PageRequest(start: start, limit: 100), by: .localOperator)
                return HostPage(
                    items: page.values.map(\.luaTable), next: page.nextStart.map { .integer(Int64($0)) })
            })
    }
}
