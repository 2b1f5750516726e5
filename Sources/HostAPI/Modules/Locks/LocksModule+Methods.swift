import ClusterServices
import PluginHost
import Portable

extension LocksModule {
    typealias Find = @Sendable (HostCall, LockObject) throws -> ClusterLock

    private static let failed = HostResult(
        "err", .record("Error"), "`timeout`; `unavailable` while the node is cut off from the cluster.",
        isOptional: true)

    /// What a lock can be asked for.
    /// - Parameters:
    ///   - key: Which of the lock's instances is meant.
    ///   - example: Values for those, each followed by `, `.
    static func methods(
        _ className: String, key: [HostParameter], example: String, find: @escaping Find
    ) -> [HostFunction] {
        let options = HostParameter(
            "options",
            .options(
                "\(className)Options",
                [
                    HostField(
                        "wait", .string,
                        "How long to wait, such as `5s` (default: as long as the run may last).",
                        isOptional: true)
                ]), "How long to wait.", isOptional: true)
        return [
            with(className, key, options, example, find), tryMethod(className, key, example, find),
            acquireMethod(className, key, options, example, find),
        ]
    }

    private static func with(
        _ className: String, _ key: [HostParameter], _ options: HostParameter, _ example: String,
        _ find: @escaping Find
    ) -> HostFunction {
        HostFunction(
            "with",
            summary: "Runs a function while the lock is held; it is given back when the function ends.",
            parameters: key + [
                options,
                HostParameter(
                    "fn", .function("fun(guard: perigee.LockGuard): ...any"), "Gets the guard."),
            ],
            results: [HostResult("result", .value, "What the function returned."), failed],
            permission: .some(of: "locks"),
            example: """
                local lock = perigee.locks.\(opener(className))("rebuild")
                lock:with(\(example){ wait = "5s" }, function(guard)
                  perigee.kv.put("report", { built = true }, { fence = guard.token })
                end)
                """,
            body: .bracket(
                enter: { call in
                    let object = try await acquire(call, find, isTry: false, optionsAt: key.count)
                    guard let object else {
                        throw HostFailure.outcome(code: .timeout, message: "not free")
                    }
                    let handle = try call.plugin.handles.add(
                        object, as: "LockGuard", fields: ["token": .integer(object.token)], run: call.run)
                    return HostBracket(state: object, handle: handle)
                },
                leave: { state, _ in await (state as? GuardObject)?.release() }))
    }

    private static func tryMethod(
        _ className: String, _ key: [HostParameter], _ example: String, _ find: @escaping Find
    ) -> HostFunction {
        HostFunction(
            "try", summary: "Acquires the lock if it is free and nobody waits for it.", parameters: key,
            results: [
                HostResult(
                    "guard", .object("LockGuard"), "`nil` when somebody else has it.", isOptional: true),
                HostResult(
                    "err", .record("Error"), "`conflict` when somebody else has it; `unavailable`.",
                    isOptional: true),
            ],
            permission: .some(of: "locks"),
            example: """
                local lock = perigee.locks.\(opener(className))("rebuild")
                local guard = lock:try(\(example.dropLast(2)))
                if guard then guard:release() end
                """,
            body: .obtaining { call in
                guard let object = try await acquire(call, find, isTry: true, optionsAt: nil) else {
                    throw HostFailure.outcome(code: .conflict, message: "somebody else holds the lock")
                }
                return try handle(object, call)
            })
    }

    private static func acquireMethod(
        _ className: String, _ key: [HostParameter], _ options: HostParameter, _ example: String,
        _ find: @escaping Find
    ) -> HostFunction {
        HostFunction(
            "acquire", summary: "Acquires the lock, and waits until it is free.",
            parameters: key + [options],
            results: [
                HostResult(
                    "guard", .object("LockGuard"), "`nil` when it was not acquired.", isOptional: true),
                failed,
            ],
            permission: .some(of: "locks"),
            example: """
                local lock = perigee.locks.\(opener(className))("rebuild")
                local guard, err = lock:acquire(\(example){ wait = "5s" })
                if not guard then return nil, err end
                guard:release()
                """,
            body: .obtaining { call in
                guard let object = try await acquire(call, find, isTry: false, optionsAt: key.count)
                else {
                    throw HostFailure.outcome(code: .timeout, message: "not free")
                }
                return try handle(object, call)
            })
    }

    private static func opener(_ className: String) -> String {
        switch className {
        case "RepositoryLock": "repository"
        case "PullRequestLock": "pull_request"
        default: "named"
        }
    }

    private static func handle(_ object: GuardObject, _ call: HostCall) throws -> HostHandle {
        try call.plugin.handles.add(
            object, as: "LockGuard", fields: ["token": .integer(object.token)], run: call.run)
    }
}
