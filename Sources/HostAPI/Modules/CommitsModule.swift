import GitStore
import Hosting
import PluginHost
import Portable

/// `perigee.commits`: the commits of a repository.
enum CommitsModule {
    static func module(_ services: HostServices) -> HostModule {
        HostModule(
            "commits",
            summary: "Reads commits. While a push is judged its new commits can be read by their ids.",
            records: [Records.person, Records.commit],
            functions: [get(services), each(services), isAncestor(services)])
    }

    private static let repository = HostParameter("repository", .repository, "Where.")
    private static let gone = HostResult(
        "err", .record("Error"), "`not_found` for a repository that is gone.", isOptional: true)

    private static func get(_ services: HostServices) -> HostFunction {
        HostFunction(
            "get", summary: "Gives one commit.",
            parameters: [
                repository,
                HostParameter(
                    "revision", .string, "An id (whole or its beginning), a branch, a tag or a full ref."),
            ],
            results: [
                HostResult("commit", .record("Commit"), "`nil` when there is none.", isOptional: true), gone,
            ],
            permission: .read("commits"),
            example: """
                local commit = perigee.commits.get(12, "main")
                if commit then perigee.log.info(commit.message, { by = commit.author.name }) end
                """,
            body: .waiting { call in
                let repository = try await services.repository(call, 0)
                let quarantine = PushCallContext.quarantine(call, repository.id)
                let record: CommitRecord? = try await services.onDisk(repository) { git, path in
                    guard let id = try await id(call.string(1), git, path, quarantine) else { return nil }
                    return try await git.commit(id, in: path, quarantine: quarantine)
                }
                return [record?.luaTable(messageBytesMax: 64 * 1024) ?? .null]
            })
    }

    private static let eachOptions: HostType = .options(
        "CommitsEachOptions",
        [
            HostField("tip", .string, "Where to begin (default: the default branch).", isOptional: true),
            HostField("since", .string, "Leave out this commit and what it can reach.", isOptional: true),
            HostField(
                "path", .string, "Only commits that change this file or folder.", isOptional: true),
            HostField("limit", .integer, "At most so many (default: 1,000).", isOptional: true),
        ])

    private static func each(_ services: HostServices) -> HostFunction {
        HostFunction(
            "each",
            summary: "Goes over commits, the newest first. Nothing comes when a revision does not exist.",
            parameters: [repository, HostParameter("options", eachOptions, "Which ones.", isOptional: true)],
            results: [HostResult("commit", .record("Commit"), "One commit after another.")],
            permission: .read("commits"),
            example: """
                for commit in perigee.commits.each(12, { tip = "main", path = "README.md", limit = 10 }) do
                  perigee.log.info(commit.display_id)
                end
                """,
            body: .pages { call, cursor in
                let repository = try await services.repository(call, 0)
                let quarantine = PushCallContext.quarantine(call, repository.id)
                return try await services.onDisk(repository) { git, path in
                    try await page(call, cursor, git, path, quarantine)
                }
            })
    }

    /// Commits of one page: their messages are cut so that it stays below a megabyte.
    private static let pageSize = 200

    private static func page(
        _ call: HostCall, _ cursor: PortableValue?, _ git: GitStore, _ path: String, _ quarantine: String?
    ) async throws -> HostPage {
        let options = call.options(1)
        let limit = Int(clamping: max(0, options["limit"]?.integerValue ?? 1_000))
        let offset = Int(clamping: cursor?.integerValue ?? 0)
        let size = min(pageSize, limit - offset)
        let tip = try await id(options["tip"]?.stringValue ?? "HEAD", git, path, quarantine)
        guard size > 0, let tip else { return HostPage(items: [], next: nil) }
        var since: ObjectID?
        // Nothing is left out by 40 zeros, the "from" of a new branch.
        if let text = options["since"]?.stringValue, ObjectID(text)?.isZero != true {
            since = try await id(text, git, path, quarantine)
            if since == nil { return HostPage(items: [], next: nil) }
        }
        let records: [CommitRecord]
        let filePath = options["path"]?.stringValue
        if let quarantine, filePath == nil {
            let walk = PushedCommits(git: git, path: path, quarantine: quarantine)
            records = Array(
                try await walk.list(tip: tip, since: since, limit: offset + size).dropFirst(offset))
        } else {
            records = try await git.commits(
                in: path,
                query: CommitQuery(until: tip, since: since, path: filePath, offset: offset, limit: size),
                quarantine: quarantine)
        }
        return HostPage(
            items: records.map { $0.luaTable(messageBytesMax: 4 * 1024) },
            next: records.count < size ? nil : .integer(Int64(offset + size)))
    }

    /// The commit that a revision names, among those that a push has brought too.
    private static func id(
        _ revision: String, _ git: GitStore, _ path: String, _ quarantine: String?
    ) async throws -> ObjectID? {
        if let quarantine, let id = ObjectID(revision) {
            return try await git.commit(id, in: path, quarantine: quarantine)?.id
        }
        guard revision == "HEAD" else { return try await git.resolve(revision, in: path) }
        switch try await git.head(in: path) {
        case .branch(let name, exists: true): return try await git.resolve(name.full, in: path)
        case .branch: return nil
        case .detached(let id): return id
        }
    }

    private static func isAncestor(_ services: HostServices) -> HostFunction {
        HostFunction(
            "is_ancestor",
            summary: "Says whether one commit can be reached from another; a commit reaches itself.",
            parameters: [
                repository,
                HostParameter("ancestor", .string, "The older one, 40 hexadecimal digits."),
                HostParameter("descendant", .string, "The younger one, 40 hexadecimal digits."),
            ],
            results: [
                HostResult("is_ancestor", .boolean, "Whether it can be reached.", isOptional: true), gone,
            ],
            permission: .read("commits"),
            example: """
                if perigee.commits.is_ancestor(12, ("1"):rep(40), ("2"):rep(40)) then
                  perigee.log.info("nothing is lost")
                end
                """,
            body: .waiting { call in
                let ids = [1, 2].compactMap { ObjectID(call.string($0)) }
                try call.require(
                    ids.count == 2, argument: ObjectID(call.string(1)) == nil ? 1 : 2,
                    ObjectID(call.string(1)) == nil ? "ancestor" : "descendant",
                    "an id of 40 hexadecimal digits expected")
                let repository = try await services.repository(call, 0)
                let quarantine = PushCallContext.quarantine(call, repository.id)
                return [
                    .bool(
                        try await services.onDisk(repository) {
                            try await $0.isAncestor(ids[0], of: ids[1], in: $1, quarantine: quarantine)
                        })
                ]
            })
    }
}
