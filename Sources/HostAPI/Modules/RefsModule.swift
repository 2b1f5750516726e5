import GitStore
import Hosting
import PluginHost
import Portable

/// `perigee.refs`: branches, tags and other refs.
enum RefsModule {
    static func module(_ services: HostServices) -> HostModule {
        HostModule(
            "refs",
            summary: "Reads and changes refs. A change goes the way of a push: guards, journal, event.",
            records: [Records.ref],
            functions: [get(services), each(services)] + RefChanges.functions(services))
    }

    static func name(_ call: HostCall, _ index: Int) throws -> RefName {
        do {
            return try RefName(call.string(index))
        } catch {
            throw HostFailure.misuse(
                "bad argument #\(index + 1) 'name' to '\(call.function)' "
                    + "(a full ref name such as 'refs/heads/main' expected: \(error))")
        }
    }

    private static func get(_ services: HostServices) -> HostFunction {
        HostFunction(
            "get", summary: "Gives one ref. While a push is judged it is still what it was before.",
            parameters: [
                HostParameter("repository", .repository, "Where."),
                HostParameter("name", .string, "The full name, `refs/heads/main`."),
            ],
            results: [
                HostResult("ref", .record("Ref"), "`nil` when there is none.", isOptional: true),
                HostResult(
                    "err", .record("Error"), "`not_found` for a repository that is gone.", isOptional: true),
            ],
            permission: .read("refs"),
            example: """
                local main = perigee.refs.get(12, "refs/heads/main")
                if main then perigee.log.info("tip", { commit = main.target }) end
                """,
            body: .waiting { call in
                let name = try name(call, 1)
                let repository = try await services.repository(call, 0)
                return [
                    try await services.onDisk(repository) { try await $0.ref(name, in: $1) }?.luaTable
                        ?? .null
                ]
            })
    }

    private static func each(_ services: HostServices) -> HostFunction {
        HostFunction(
            "each", summary: "Goes over refs, by name.",
            parameters: [
                HostParameter("repository", .repository, "Where."),
                HostParameter(
                    "options",
                    .options(
                        "RefsEachOptions",
                        [
                            HostField(
                                "prefix", .string, "What names begin with (default: `refs/`).",
                                isOptional: true)
                        ]),
                    "Which ones.", isOptional: true),
            ],
            results: [HostResult("ref", .record("Ref"), "One ref after another.")],
            permission: .read("refs"),
            example: """
                local branches = 0
                for ref in perigee.refs.each(12, { prefix = "refs/heads/" }) do
                  branches = branches + (ref.type == "BRANCH" and 1 or 0)
                end
                """,
            body: .pages { call, cursor in
                let prefix = call.options(1)["prefix"]?.stringValue ?? "refs/"
                let offset = Int(clamping: cursor?.integerValue ?? 0)
                let repository = try await services.repository(call, 0)
                let refs = try await services.onDisk(repository) {
                    try await $0.refs(in: $1, prefix: prefix, offset: offset, limit: 100)
                }
                return HostPage(
                    items: refs.map(\.luaTable), next: refs.count < 100 ? nil : .integer(Int64(offset + 100)))
            })
    }
}
