import Hosting
import Mirroring
import PluginHost
import Portable

/// `perigee.mirrors`: what a plugin needs to keep mirrors up to date.
enum MirrorsModule {
    static func module(_ services: HostServices) -> HostModule {
        HostModule(
            "mirrors",
            summary: "Keeps mirrors up to date: brings changes to them, and follows the upstream on one.",
            notes: """
                The manifest asks for it: `"mirroring": true`. `perigee.mirrors.mode` says what this node is;
                the functions of the other side give `unavailable`.

                On an upstream, `deliver` brings a change to a mirror: it is written down, each live node of
                the mirror gets the objects, and when all have them all show it. Changes of one repository
                must be delivered one after the other, such as by the buckets of an executor. A mirror with
                which there is no contact gives `conflict`: it compares everything when it is back.

                On a mirror, `follow` keeps a question open at the upstream. What is new comes as an item,
                to be given to `fetch`, and then to be reported with `report`. `compare` finds everything that
                differs. A node counts for the others once it has said `set_state("SYNCHRONIZED")`.
                """,
            records: [
                Records.error, mirror, item, link, comparison, delivery, outcome, report, status, settings,
            ],
            constants: [
                HostConstant("mode", .choice(["primary", "mirror"]), "What this node is.") { _ in
                    .string(services.mirroring?.follower == nil ? "primary" : "mirror")
                },
                HostConstant(
                    "pulls", .choice(["along", "eager"]),
                    "On an upstream: whether refs of pull requests go to mirrors along with pushes, or "
                        + "at once."
                ) { _ in .string(services.mirroring?.catalogue.followsPulls == true ? "eager" : "along") },
            ],
            functions: upstreamFunctions(services) + mirrorFunctions(services))
    }

    private static let mirror = HostRecord(
        "Mirror", "A mirror that was accepted.",
        [
            HostField("id", .string, "`B0F5-CS21-45C2-CCK3`."),
            HostField("name", .string, "What people read."),
            HostField("base_url", .string, "Where clients find it."),
            HostField("mode", .choice(["ALL_PROJECTS", "SELECTED_PROJECTS"]), "What it has."),
        ])

    static let item = HostRecord(
        "MirrorItem", "Something that has changed in a repository.",
        [
            HostField("repository", .integer, "The repository's id."),
            HostField(
                "kind", .choice(["refs", "snapshot", "metadata", "everything"]),
                "What has changed; `everything`: refs that are not listed, and metadata."),
            HostField(
                "changes", .list(.list(.string)), "Of `refs`: the ref, its old and its new hash, each.",
                isOptional: true),
            HostField(
                "phase", .choice(["prepare", "publish"]),
                "Whether the refs may be shown (default `publish`).",
                isOptional: true),
            HostField(
                "pulls", .string, "Of `refs`, on a mirror: a digest of the upstream's refs of pull requests.",
                isOptional: true),
            HostField("generation", .integer, "To be reported; `nil` after a comparison.", isOptional: true),
            HostField(
                "since", .integer,
                "On an upstream, for its figures: when the change was acknowledged, by `perigee.time.now`.",
                isOptional: true),
        ])

    static let link = HostRecord(
        "MirrorLink", "Something that happened to the link with the upstream.",
        [
            HostField(
                "kind", .choice(["pending", "rejected", "connected", "catalogue", "behind", "failed"]),
                "What happened."),
            HostField(
                "code", .string, "Of a failure: `unreachable`, `tls`, `clock` and so on.", isOptional: true),
            HostField("message", .string, "Of a failure, for people.", isOptional: true),
            HostField("attempt", .integer, "How often it has not worked since it last did."),
        ])

    static let comparison = HostRecord(
        "MirrorComparison", "What a comparison found.",
        [
            HostField("total", .integer, "How many repositories there are for this mirror."),
            HostField("differing", .list(.integer), "The ids of those whose refs differ."),
            HostField("removed", .list(.integer), "The ids of those that went."),
            HostField("duration", .integer, "How long it took, in milliseconds."),
        ])

    static let delivery = HostRecord(
        "MirrorDelivery", "How a change came through.",
        [
            HostField("nodes", .list(.string), "The nodes that show it."),
            HostField("behind", .table, "Those waited for in vain, with what they said last."),
        ])

    static let outcome = HostRecord(
        "MirrorFetch", "What a fetch did.",
        [
            HostField("refs", .integer, "How many refs moved."),
            HostField("bytes", .integer, "How much came."),
            HostField("snapshot", .boolean, "Whether everything was compared."),
        ])

    static let report = HostRecord(
        "MirrorReport", "How far this node is with an item.",
        [
            HostField("repository", .integer, "The item's."),
            HostField("generation", .integer, "The item's.", isOptional: true),
            HostField(
                "phase", .choice(["prepare", "publish"]), "How far; `nil`: it failed.", isOptional: true),
            HostField("error", .string, "Why it failed.", isOptional: true),
        ])

    static let status = HostRecord(
        "MirrorStatus", "How this mirror is.",
        [
            HostField("id", .string, "`B0F5-CS21-45C2-CCK3`."),
            HostField("upstream", .string, "The upstream's URL."),
            HostField(
                "upstream_state", .choice(["INITIALIZING", "PENDING", "INSTALLED", "REMOVED"]),
                "How far they are with each other."),
            HostField(
                "state", .choice(["BOOTSTRAPPED", "METADATA_SYNCHRONIZED", "SYNCHRONIZED", "BEHIND"]),
                "How far this node is."),
            HostField("connected", .boolean, "Whether the last question was answered."),
        ])

    static let settings = HostRecord(
        "MirrorSettings", "What the operator set for a mirror.",
        [
            HostField("interval", .integer, "How often everything is compared, in milliseconds."),
            HostField("fetches", .integer, "How many repositories are fetched at a time."),
            HostField("attempts", .integer, "How often a fetch is tried."),
        ])

    private static func upstreamFunctions(_ services: HostServices) -> [HostFunction] {
        [
            HostFunction(
                "list", summary: "Gives the mirrors that were accepted.",
                results: [HostResult("mirrors", .list(.record("Mirror")), "By name.")],
                permission: .mirroring,
                example: """
                    for _, mirror in ipairs(perigee.mirrors.list()) do
                      perigee.log.info("mirror", { id = mirror.id, name = mirror.name })
                    end
                    """,
                body: .waiting { _ in
                    let mirrors = try await outcomes {
                        try await services.require(\.mirroring).registry.list(.accepted)
                    }
                    return [.list(mirrors.map(\.luaTable))]
                }),
            HostFunction(
                "of", summary: "Gives the ids of the mirrors that have a project.",
                parameters: [HostParameter("project", .integer, "The project's id.")],
                results: [HostResult("ids", .list(.string), "May be empty.")], permission: .mirroring,
                example: """
                    perigee.events.on("repo:refs_changed", function(event)
                      local ids = perigee.mirrors.of(event.repository.project.id)
                      perigee.log.debug("mirrors to tell", { count = #ids })
                    end)
                    """,
                body: .waiting { call in
                    let mirroring = try services.require(\.mirroring)
                    let project = ProjectID(call.integer(0))
                    return try await outcomes {
                        var ids: [PortableValue] = []
                        for mirror in try await mirroring.registry.list(.accepted)
                        where try await mirroring.catalogue.has(mirror, project: project) {
                            ids.append(.string(mirror.id.rawValue))
                        }
                        return [.list(ids)]
                    }
                }),
            deliver(services),
            HostFunction(
                "announce", summary: "Tells every mirror that projects or repositories have changed.",
                permission: .mirroring,
                example: """
                    perigee.events.on("project:modified", function() perigee.mirrors.announce() end)
                    """,
                body: .waiting { _ in
                    try await outcomes {
                        try await services.require(\.mirroring).deliveries.announceCatalogue()
                    }
                    return []
                }),
        ]
    }

    private static func counted(
        _ mirroring: Mirroring, to mirror: MirrorID, since: Int64?, _ body: () async throws -> Delivery
    ) async throws -> Delivery {
        do {
            let delivery = try await body()
            mirroring.noteDelivery(delivery.behind.isEmpty ? .done : .behind, to: mirror, since: since)
            return delivery
        } catch {
            var isAway = false
            if case MirroringError.conflict = error { isAway = true }
            mirroring.noteDelivery(isAway ? .away : .failed, to: mirror, since: nil)
            throw error
        }
    }

    private static func deliver(_ services: HostServices) -> HostFunction {
        HostFunction(
            "deliver",
            summary: """
                Brings changes of a repository to a mirror, and waits until all its live nodes show them, or \
                are known to be behind.
                """,
            parameters: [
                HostParameter("mirror", .string, "Its id."),
                HostParameter(
                    "items", .list(.record("MirrorItem")), "Of one repository, oldest first; they become one."
                ),
                HostParameter(
                    "wait", .string, "How long a node is waited for (default `10s`).", isOptional: true),
            ],
            results: [
                HostResult("delivery", .record("MirrorDelivery"), "`nil` when it was not.", isOptional: true),
                HostResult(
                    "err", .record("Error"),
                    "`conflict`: no node is in touch; `not_found`: no such mirror; `unavailable`.",
                    isOptional: true),
            ],
            permission: .mirroring,
            example: """
                local done, err = perigee.mirrors.deliver("B0F5-CS21-45C2-CCK3", {
                  { repository = 12, kind = "snapshot" },
                })
                if not done then perigee.log.warn(err.message) end
                """,
            body: .waiting { call in
                guard let mirror = MirrorID(call.string(0)) else {
                    throw HostFailure.outcome(code: .notFound, message: "no mirror has this id")
                }
                let items = try items(call, 1)
                guard let first = items.first else {
                    throw HostFailure.misuse("bad argument #2 'items' to '\(call.function)' (it is empty)")
                }
                let wait = try duration(call, 2) ?? .seconds(10)
                let mirroring = try services.require(\.mirroring)
                let since = call.list(1).compactMap { $0["since"]?.integerValue }.min()
                return try await outcomes {
                    let kind = MirrorWork.Kind.merged(items.map(\.kind))
                    let delivery = try await counted(mirroring, to: mirror, since: since) {
                        try await mirroring.deliver(kind, of: first.repository, to: mirror, wait: wait)
                    }
                    return [
                        [
                            "nodes": .list(delivery.nodes.map { .string($0) }),
                            "behind": .map(delivery.behind.mapValues { .string($0) }),
                        ]
                    ]
                }
            })
    }
}

extension MirrorServer {
    fileprivate var luaTable: PortableValue {
        [
            "id": .string(id.rawValue), "name": .string(properties.name),
            "base_url": .string(properties.baseURL), "mode": .string(mode.rawValue),
        ]
    }
}
