import GitStore
import Hosting
import Mirroring
import PluginHost
import Portable

/// What a plugin does on a mirror.
extension MirrorsModule {
    static func mirrorFunctions(_ services: HostServices) -> [HostFunction] {
        [
            follow(services), compare(services), fetch(services), reportFunction(services),
            caughtUp(services), setState(services), statusFunction(services), settingsFunction(services),
        ]
    }

    private static func follow(_ services: HostServices) -> HostFunction {
        HostFunction(
            "follow",
            summary:
                "Asks the upstream to be accepted, and then what is new, for as long as the plugin runs.",
            parameters: [
                HostParameter(
                    "handlers",
                    .options(
                        "MirrorHandlers",
                        [
                            HostField(
                                "work", .function("fun(item: perigee.MirrorItem)"),
                                "Takes what is new in charge; the next question follows when it returns."),
                            HostField(
                                "link", .function("fun(event: perigee.MirrorLink): integer?"),
                                "Hears of the link; gives how long to rest, in milliseconds, after "
                                    + "`pending`, `rejected` and `failed`."),
                        ]), "Both are needed.")
            ],
            permission: .mirroring, phase: .registration,
            example: """
                perigee.mirrors.follow({
                  work = function(item) perigee.log.info("new", { repository = item.repository }) end,
                  link = function(event) return 1000 * 2 ^ math.min(event.attempt, 6) // 1 end,
                })
                """,
            body: .immediate { call in
                guard let work = call.callback(0, "work"), let link = call.callback(0, "link") else {
                    throw HostFailure.misuse(
                        "bad argument #1 'handlers' to '\(call.function)' (two functions expected)")
                }
                let plugin = call.plugin
                try plugin.offer("mirrors.follow") {
                    let follower = try follower(services)
                    let driver = MirrorFollower.Driver(
                        work: { item in
                            _ = try? await plugin.call(
                                work, [item.luaTable], kind: "mirror", wait: .seconds(60))
                        },
                        link: { event in
                            let results = try? await plugin.call(
                                link, [event.luaTable], kind: "mirror", wait: .seconds(60))
                            guard let delay = results?.first?.doubleValue, delay >= 0 else { return nil }
                            return .milliseconds(Int64(min(delay, 3_600_000)))
                        })
                    let task = Task { await follower.follow(driver) }
                    return {
                        task.cancel()
                        await task.value
                    }
                }
                return []
            })
    }

    private static func compare(_ services: HostServices) -> HostFunction {
        HostFunction(
            "compare",
            summary: """
                Compares everything with the upstream in one request, and takes over what it says of \
                projects and repositories. What differs in its refs is to be fetched.
                """,
            results: [
                HostResult(
                    "comparison", .record("MirrorComparison"), "`nil` when it failed.", isOptional: true),
                HostResult("err", .record("Error"), "Why.", isOptional: true),
            ],
            permission: .mirroring,
            example: """
                local found, err = perigee.mirrors.compare()
                if not found then perigee.log.warn(err.message) end
                """,
            body: .waiting { _ in
                let follower = try follower(services)
                return try await outcomes {
                    let found = try await follower.compare()
                    return [
                        [
                            "total": .integer(Int64(found.total)),
                            "differing": .list(found.differing.map { .integer($0.rawValue) }),
                            "removed": .list(found.removed.map { .integer($0.rawValue) }),
                            "date": .integer(found.date),
                            "duration": .integer(Int64(found.duration / .milliseconds(1))),
                        ]
                    ]
                }
            })
    }

    private static func fetch(_ services: HostServices) -> HostFunction {
        HostFunction(
            "fetch",
            summary:
                "Gets what a repository lacks from the upstream, and shows it unless it is only prepared.",
            parameters: [
                HostParameter(
                    "items", .list(.record("MirrorItem")), "Of one repository and phase, oldest first.")
            ],
            results: [
                HostResult("fetched", .record("MirrorFetch"), "`nil` when it failed.", isOptional: true),
                HostResult(
                    "err", .record("Error"),
                    "`refused`: the upstream cannot give it; `unavailable`: it is this node, or the way.",
                    isOptional: true),
            ],
            permission: .mirroring,
            example: """
                local fetched, err = perigee.mirrors.fetch({ { repository = 12, kind = "snapshot" } })
                if not fetched then perigee.log.warn(err.message) end
                """,
            body: .waiting { call in
                let follower = try follower(services)
                let items = try items(call, 0)
                guard let last = items.last, items.allSatisfy({ $0.repository == last.repository }) else {
                    throw HostFailure.misuse(
                        "bad argument #1 'items' to '\(call.function)' (items of one repository expected)")
                }
                do {
                    let work = MirrorWork(merging: items, phase: last.phase)
                    let fetched = try await follower.fetch(work)
                    return [
                        [
                            "refs": .integer(Int64(fetched.refs)), "bytes": .integer(fetched.bytes),
                            "snapshot": .bool(fetched.isSnapshot),
                        ]
                    ]
                } catch let error as CancellationError {
                    throw error
                } catch {
                    let code: HostFailure.Code =
                        MirrorFollower.isUpstreams(error) ? .refused : .unavailable
                    throw HostFailure.outcome(code: code, message: "\(error)")
                }
            })
    }

    private static func caughtUp(_ services: HostServices) -> HostFunction {
        HostFunction(
            "caught_up",
            summary: """
                Tells the upstream that everything is here that a comparison found. It raises \
                `mirror:repo_synchronized` for what came by that, once all nodes of the mirror have it.
                """,
            parameters: [
                HostParameter("date", .integer, "The comparison's."),
                HostParameter(
                    "repositories", .list(.integer),
                    "The ids of those that came, now or since the last call; at most 1,000."),
            ],
            results: [
                HostResult("told", .boolean, "`nil` when it could not be told.", isOptional: true),
                HostResult("err", .record("Error"), "Why.", isOptional: true),
            ],
            permission: .mirroring,
            example: """
                local found = perigee.mirrors.compare()
                if found and #found.differing == 0 then perigee.mirrors.caught_up(found.date, {}) end
                """,
            body: .waiting { call in
                let follower = try follower(services)
                let ids = call.list(1).compactMap { $0.integerValue.map { RepositoryID($0) } }
                return try await outcomes {
                    try await follower.reportCaughtUp(date: call.integer(0), ids)
                    return [true]
                }
            })
    }

    private static func reportFunction(_ services: HostServices) -> HostFunction {
        HostFunction(
            "report", summary: "Tells the upstream how far this node is with what it was given.",
            parameters: [HostParameter("reports", .list(.record("MirrorReport")), "One each.")],
            results: [
                HostResult("told", .boolean, "`nil` when it could not be told.", isOptional: true),
                HostResult("err", .record("Error"), "Why.", isOptional: true),
            ],
            permission: .mirroring,
            example: """
                perigee.mirrors.report({ { repository = 12, generation = 3, phase = "publish" } })
                """,
            body: .waiting { call in
                let follower = try follower(services)
                let reports = call.list(0).map { value in
                    MirrorLinks.Report(
                        repository: RepositoryID(value["repository"]?.integerValue ?? 0),
                        generation: value["generation"]?.integerValue,
                        phase: value["phase"]?.stringValue.flatMap(MirrorWork.Phase.init(rawValue:)),
                        error: value["error"]?.stringValue)
                }
                return try await outcomes {
                    try await follower.report(reports)
                    return [true]
                }
            })
    }

    private static func setState(_ services: HostServices) -> HostFunction {
        HostFunction(
            "set_state", summary: "Says how far this node is. The upstream hears it within seconds.",
            parameters: [
                HostParameter(
                    "state", .choice(["BOOTSTRAPPED", "METADATA_SYNCHRONIZED", "SYNCHRONIZED"]), "How far.")
            ],
            permission: .mirroring,
            example: """
                perigee.mirrors.set_state("SYNCHRONIZED")
                """,
            body: .quick { call in
                guard let state = MirrorNodeState(rawValue: call.string(0)) else { return }
                try follower(services).setNodeState(state)
            })
    }

    private static func statusFunction(_ services: HostServices) -> HostFunction {
        HostFunction(
            "status", summary: "Tells how this mirror is.",
            results: [HostResult("status", .record("MirrorStatus"), "At this moment.")],
            permission: .mirroring,
            example: """
                perigee.log.info("mirror", { state = perigee.mirrors.status().state })
                """,
            body: .quick { call in
                let status = try follower(services).status
                call.giveFields { table in
                    table.set("id", status.id.rawValue)
                    table.set("upstream", status.upstreamURL)
                    table.set("upstream_state", status.upstreamState.rawValue)
                    table.set("state", status.nodeState.rawValue)
                    table.set("connected", status.isConnected)
                }
            })
    }

    private static func settingsFunction(_ services: HostServices) -> HostFunction {
        HostFunction(
            "settings", summary: "Gives what the operator set for this mirror.",
            results: [HostResult("settings", .record("MirrorSettings"), "From the node's properties.")],
            permission: .mirroring,
            example: """
                if perigee.mirrors.mode == "mirror" then
                  perigee.log.info("compares", { every = perigee.mirrors.settings().interval })
                end
                """,
            body: .quick { call in
                let settings = try follower(services).settings
                call.giveFields { table in
                    table.set("interval", Int64(settings.interval / .milliseconds(1)))
                    table.set("fetches", Int64(settings.fetchesMax))
                    table.set("attempts", Int64(settings.attemptsMax))
                }
            })
    }

    private static func follower(_ services: HostServices) throws -> MirrorFollower {
        guard let follower = try services.present(services.mirroring).follower else {
            throw HostFailure.outcome(code: .unavailable, message: "this node is no mirror")
        }
        return follower
    }

    /// The items of an argument.
    static func items(_ call: HostCall, _ index: Int) throws -> [MirrorWork] {
        try call.list(index).enumerated().map { place, value in
            var fields = value.mapValue ?? [:]
            if fields["phase"] == nil { fields["phase"] = "publish" }
            if fields["generation"] == nil { fields["generation"] = .integer(0) }
            guard let item = MirrorWork(.map(fields)) else {
                throw HostFailure.misuse(
                    "bad argument #\(index + 1) 'items' to '\(call.function)' (item \(place + 1) has no "
                        + "repository, or a kind, phase or change that is none)")
            }
            return item
        }
    }

    static func duration(_ call: HostCall, _ index: Int) throws -> Duration? {
        guard let text = call.optionalString(index) else { return nil }
        guard let milliseconds = DurationText.milliseconds(text) else {
            throw HostFailure.misuse(
                "bad argument #\(index + 1) to '\(call.function)' (a duration such as '10s' expected)")
        }
        return .milliseconds(milliseconds)
    }

    /// What the mechanism refuses becomes an outcome.
    static func outcomes<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as MirroringError {
            let code: HostFailure.Code =
                switch error {
                case .noSuchMirror, .noSuchRequest: .notFound
                case .conflict: .conflict
                case .invalid, .unauthorized, .wrongMode: .refused
                case .unavailable: .unavailable
                }
            throw HostFailure.outcome(code: code, message: error.description)
        } catch let error as PeerError {
            let code: HostFailure.Code =
                switch error {
                case .timeout: .timeout
                case .unreachable: .unavailable
                case .refused(404, _, _): .notFound
                case .refused(409, _, _): .conflict
                default: error.isPassing ? .unavailable : .refused
                }
            throw HostFailure.outcome(code: code, message: error.description)
        } catch let error as HostingError {
            throw HostFailure.from(error)
        } catch let error as GitStoreError {
            throw HostFailure.outcome(code: .unavailable, message: "\(error)")
        }
    }
}

extension MirrorWork {
    fileprivate var luaTable: PortableValue {
        guard case .map(var fields) = portable else { return portable }
        for name in ["changes", "pulls"] where fields[name]?.isNull == true { fields[name] = nil }
        return .map(fields)
    }
}

extension LinkEvent {
    fileprivate var luaTable: PortableValue {
        var fields: [String: PortableValue] = [
            "kind": .string(kind.rawValue), "attempt": .integer(Int64(attempt)),
        ]
        if let code { fields["code"] = .string(code) }
        if let message { fields["message"] = .string(message) }
        return .map(fields)
    }
}
