import Hosting
import PluginHost
import Portable

/// `perigee.repositories`: the repositories of this server.
enum RepositoriesModule {
    static func module(_ services: HostServices) -> HostModule {
        HostModule(
            "repositories",
            summary: "Finds repositories. A plugin sees all of them: an administrator granted it.",
            records: [Records.repository], functions: [get(services), find(services), each(services)])
    }

    private static let found = HostResult(
        "repository", .record("Repository"), "`nil` when there is none (any more).", isOptional: true)

    private static func get(_ services: HostServices) -> HostFunction {
        HostFunction(
            "get", summary: "Gives the repository with an id.",
            parameters: [HostParameter("id", .repository, "The repository's id.")], results: [found],
            permission: .read("repositories"),
            example: """
                local repository = perigee.repositories.get(12)
                if repository then perigee.log.info("found", { slug = repository.slug }) end
                """,
            body: .waiting { call in
                [
                    try await services.require(\.hosting).repositories.get(call.repository(0))?.luaTable
                        ?? .null
                ]
            })
    }

    private static func find(_ services: HostServices) -> HostFunction {
        HostFunction(
            "find",
            summary: "Gives the repository at an address; one from before a rename or a move finds it too.",
            parameters: [
                HostParameter("project_key", .string, "The project's key, without regard to case."),
                HostParameter("slug", .string, "The repository's slug, without regard to case."),
            ],
            results: [found], permission: .read("repositories"),
            example: """
                local repository = perigee.repositories.find("PRJ", "app")
                """,
            body: .waiting { call in
                let repositories = try services.require(\.hosting).repositories
                return [
                    try await repositories.find(projectKey: call.string(0), slug: call.string(1))?.luaTable
                        ?? .null
                ]
            })
    }

    private static func each(_ services: HostServices) -> HostFunction {
        HostFunction(
            "each", summary: "Goes over all repositories, by project key and slug.",
            parameters: [
                HostParameter(
                    "options",
                    .options(
                        "RepositoriesEachOptions",
                        [
                            HostField(
                                "project", .string, "Only those of the project with this key.",
                                isOptional: true)
                        ]),
                    "Which ones.", isOptional: true)
            ],
            results: [HostResult("repository", .record("Repository"), "One repository after another.")],
            permission: .read("repositories"),
            example: """
                for repository in perigee.repositories.each({ project = "PRJ" }) do
                  perigee.log.info(repository.slug)
                end
                """,
            body: .pages { call, cursor in
                let filter = RepositoryFilter(projectKey: call.options(0)["project"]?.stringValue)
                let start = Int(clamping: cursor?.integerValue ?? 0)
                let page = try await services.require(\.hosting).repositories.list(
                    filter, page: PageRequest(start: start, limit: 100), by: .localOperator)
                return HostPage(
                    items: page.values.map(\.luaTable), next: page.nextStart.map { .integer(Int64($0)) })
            })
    }
}
