import ClusterServices
import PluginHost
import Portable

/// `perigee.kv`: what a plugin keeps, seen by all nodes.
enum KVModule {
    static func module(_ services: HostServices) -> HostModule {
        HostModule(
            "kv",
            summary:
                "Keeps values by key, durably, for this plugin alone, in the database that all nodes share.",
            notes: """
                Keys have 1 to 512 bytes; values are plain data of at most 256 KiB and 32 levels. The manifest
                says how much the plugin may keep in all: `"kv": "16MiB"`. Each entry has a version that grows
                with every change, for changes that depend on what was read.

                What an executor's `process` function writes, it writes as long as its tasks are its own: once
                another node has taken them over, its writes are refused with `fenced`. What is written under
                a lock, or by a job, is told by `fence` with the token of the lock's guard or of the job. A
                key remembers the greatest token that has come with a write, also for a week after it was
                deleted; while it does, its bytes count towards `kv` once more.
                """,
            records: [Records.error],
            functions: [
                get(services), put(services), delete(services), each(services), transaction(services),
            ])
    }

    private static let key = HostParameter("key", .string, "1 to 512 bytes without NUL.")
    private static let failed = HostResult(
        "err", .record("Error"),
        "`conflict` when the version is another, `fenced` when it comes too late, `quota` when it would be "
            + "too much.",
        isOptional: true)

    static func namespace(_ call: HostCall) -> String { PluginContext.storageNamespace(of: call.plugin.id) }

    static func quota(_ call: HostCall) -> Int64 { call.plugin.manifest.permissions.kvBytesMax ?? 0 }

    /// Runs a body; what the store refuses becomes a misuse or an outcome.
    static func translating<Value: Sendable>(
        _ call: HostCall, _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch KeyValueError.quotaExceeded(let used, let limit, let tokens) {
            throw HostFailure.outcome(
                code: .quota, message: quotaText(used: used, limit: limit, tokens: tokens))
        } catch let error as LockError {
            throw HostFailure.outcome(code: .fenced, message: "\(error)")
        } catch let error as KeyValueError {
            throw HostFailure.misuse("\(call.function): \(error)")
        } catch let error as PortableError {
            throw HostFailure.misuse("\(call.function): \(error)")
        }
    }

    static func quotaText(used: Int64, limit: Int64, tokens: Int64 = 0) -> String {
        "\(used) bytes are more than the \(SizeText.text(bytes: limit)) of \"kv\" in plugin.json"
            + KeyValueError.note(tokens: tokens)
    }

    private static func get(_ services: HostServices) -> HostFunction {
        HostFunction(
            "get", summary: "Reads a value.", parameters: [key],
            results: [
                HostResult("value", .value, "`nil` when there is none."),
                HostResult(
                    "version", .integer, "The entry's version; `nil` when there is none.", isOptional: true),
            ],
            permission: .kv,
            example: """
                local count = perigee.kv.get("pushes") or 0
                """,
            body: .waiting { call in
                try await translating(call) {
                    if let transaction = KVTransaction.open(in: call) {
                        let entry = try await transaction.read(call.string(0), from: services.require(\.kv))
                        return [entry?.value ?? .null] + (entry?.version.map { [.integer($0)] } ?? [])
                    }
                    let entry = try await services.require(\.kv).fetchValue(
                        namespace: namespace(call), key: call.string(0))
                    return entry.map { [$0.value, .integer($0.version)] } ?? [.null]
                }
            })
    }

    private static let putOptions: HostType = .options(
        "KVPutOptions",
        [
            HostField(
                "if_version", .integer, "The version that the entry must have now; 0: it must not exist.",
                isOptional: true),
            HostField(
                "ttl", .string, "How long the entry lasts, such as `15m` (default: for ever).",
                isOptional: true),
            fence,
        ])

    private static let fence = HostField(
        "fence", .integer,
        "A lock's `guard.token`; `fenced` when a greater one has written to this key, or deleted it.",
        isOptional: true)

    private static func put(_ services: HostServices) -> HostFunction {
        HostFunction(
            "put", summary: "Stores a value.",
            parameters: [
                key, HostParameter("value", .value, "Plain data, not `nil`."),
                HostParameter(
                    "options", putOptions, "Under which condition, and for how long.", isOptional: true),
            ],
            results: [
                HostResult(
                    "version", .integer,
                    "The entry's version now; in a transaction 0; `nil` when nothing was stored.",
                    isOptional: true),
                failed,
            ],
            permission: .kv,
            example: """
                local value, version = perigee.kv.get("pushes")
                local ok, err = perigee.kv.put("pushes", (value or 0) + 1, { if_version = version or 0 })
                if not ok then perigee.log.warn(err.message) end
                """,
            body: .waiting { call in
                try call.require(
                    !call.value(1).isNull, argument: 1, "value", "nil cannot be stored; use perigee.kv.delete"
                )
                if let transaction = KVTransaction.open(in: call) {
                    try call.require(
                        call.value(2).isNull, argument: 2, "options",
                        "a transaction's entries have no options")
                    let bytes = try PayloadSize.check(call.value(1), "#2 'value' to '\(call.function)'")
                    try transaction.write(call.string(0), call.value(1), bytes: bytes)
                    return [0]
                }
                return try await translating(call) { try await store(call, services) }
            })
    }

    private static func store(_ call: HostCall, _ services: HostServices) async throws -> [PortableValue] {
        let options = call.options(2)
        var lifetime: Int64?
        if let text = options["ttl"]?.stringValue {
            lifetime = DurationText.milliseconds(text)
            try call.require(
                (lifetime ?? 0) > 0, argument: 2, "options",
                "ttl: a duration such as '15m' expected, got '\(text)'")
        }
        let outcome = try await services.require(\.kv).put(
            namespace: namespace(call), key: call.string(0), value: call.value(1),
            ifVersion: options["if_version"]?.integerValue, ttlMilliseconds: lifetime,
            fence: options["fence"]?.integerValue, condition: TaskCallContext.fence(of: call),
            quotaBytes: quota(call)
        )
        switch outcome {
        case .stored(let version): return [.integer(version)]
        case .conflict(let current?):
            throw HostFailure.outcome(code: .conflict, message: "the entry has version \(current) now")
        case .conflict(nil): throw HostFailure.outcome(code: .conflict, message: "there is no such entry now")
        case .quotaExceeded(let used, let limit, let tokens):
            throw HostFailure.outcome(
                code: .quota, message: quotaText(used: used, limit: limit, tokens: tokens))
        }
    }

    private static func delete(_ services: HostServices) -> HostFunction {
        HostFunction(
            "delete", summary: "Deletes an entry.",
            parameters: [
                key,
                HostParameter(
                    "options",
                    .options(
                        "KVDeleteOptions",
                        [
                            HostField(
                                "if_version", .integer, "The version that it must have now.", isOptional: true
                            ), fence,
                        ]),
                    "Under which condition.", isOptional: true),
            ],
            results: [
                HostResult(
                    "deleted", .boolean, "Whether there was such an entry; `nil` when it was refused.",
                    isOptional: true),
                HostResult(
                    "err", .record("Error"), "`fenced` when it comes too late.", isOptional: true
                ),
            ],
            permission: .kv,
            example: """
                perigee.kv.delete("pushes")
                """,
            body: .waiting { call in
                if let transaction = KVTransaction.open(in: call) {
                    try call.require(
                        call.value(1).isNull, argument: 1, "options",
                        "a transaction's entries have no options")
                    return try await translating(call) {
                        let entry = try await transaction.read(call.string(0), from: services.require(\.kv))
                        try transaction.write(call.string(0), nil)
                        return [.bool(entry != nil)]
                    }
                }
                return try await translating(call) {
                    let deleted = try await services.require(\.kv).delete(
                        namespace: namespace(call), key: call.string(0),
                        ifVersion: call.options(1)["if_version"]?.integerValue,
                        fence: call.options(1)["fence"]?.integerValue,
                        condition: TaskCallContext.fence(of: call))
                    return [.bool(deleted)]
                }
            })
    }

    private static func each(_ services: HostServices) -> HostFunction {
        HostFunction(
            "each", summary: "Goes over entries in the order of their keys. Not within a transaction.",
            parameters: [
                HostParameter(
                    "prefix", .string, "What keys begin with (default: all of them).", isOptional: true)
            ],
            results: [
                HostResult("key", .string, "One key after another."),
                HostResult("value", .value, "Its value."),
            ],
            permission: .kv,
            example: """
                for key, value in perigee.kv.each("push/") do
                  perigee.log.info(key, { count = value.count })
                end
                """,
            body: .pages { call, cursor in
                guard KVTransaction.open(in: call) == nil else {
                    throw HostFailure.misuse("\(call.function) cannot be called within a transaction")
                }
                return try await translating(call) { try await page(call, cursor, services) }
            })
    }

    /// A page holds less than one value may have, so that it always crosses.
    private static func page(
        _ call: HostCall, _ cursor: PortableValue?, _ services: HostServices
    ) async throws -> HostPage {
        let entries = try await services.require(\.kv).fetchPage(
            namespace: namespace(call), prefix: call.string(0), after: cursor?.stringValue, limit: 50,
            bytesMax: 128 * 1024)
        return HostPage(
            items: entries.map { .list([.string($0.key), $0.value]) },
            next: entries.last.map { .string($0.key) },
            itemsAreTuples: true)
    }

    private static func transaction(_ services: HostServices) -> HostFunction {
        HostFunction(
            "transaction",
            summary: """
                Runs a function whose reads and writes of entries take effect together, when it returns, and \
                only if nothing that it read has changed by then. An error in the function undoes \
                everything. It reads and writes at most 1,000 keys, and writes at most 4 MiB.
                """,
            parameters: [
                HostParameter(
                    "fn", .function("fun(): ...any"), "Reads and writes with `get`, `put` and `delete`.")
            ],
            results: [
                HostResult("result", .value, "What the function returned; `nil` when nothing was changed."),
                HostResult(
                    "err", .record("Error"),
                    "`conflict` when another change came between: call it again; `fenced`; `quota`.",
                    isOptional: true),
            ],
            permission: .kv,
            example: """
                local done, err = perigee.kv.transaction(function()
                  local from, to = perigee.kv.get("a") or 0, perigee.kv.get("b") or 0
                  perigee.kv.put("a", from - 1)
                  perigee.kv.put("b", to + 1)
                  return true
                end)
                if not done then perigee.log.warn(err.message) end
                """,
            body: .bracket(
                enter: { call in
                    guard KVTransaction.open(in: call) == nil else {
                        throw HostFailure.misuse("a transaction cannot be begun within another")
                    }
                    return HostBracket(state: KVTransaction(call: call))
                },
                leave: { state, succeeded in
                    guard succeeded, let transaction = state as? KVTransaction else { return }
                    try await translating(transaction.call) {
                        try await transaction.apply(services.require(\.kv))
                    }
                }))
    }
}
