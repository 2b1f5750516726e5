import ClusterServices
import Hosting
import PluginHost
import Portable

/// `perigee.locks`: one run at a time on all nodes.
enum LocksModule {
    static func module(_ services: HostServices) -> HostModule {
        HostModule(
            "locks", summary: "Lets one run at a time do something, on all nodes of the cluster.",
            notes: """
                The manifest names the locks: `"locks": ["rebuild"]`. They are this plugin's own: other
                plugins and the server have theirs, and none waits for another's. Locks of different names
                never wait for one another, also where they are about the same repository. Who waits is
                served in the order of coming.

                A lock belongs to the run that acquired it and is given back at the end of that run at the
                latest, however it ends. A run that asks for a lock which it holds is refused: it would wait
                for itself.

                When the node dies, or cannot reach the database for longer than its lease, the lock goes to
                somebody else. `guard:held()` then gives `false` before that happens, save when the network
                falls silent in the moment in which the database ends the node's session: then up to two
                seconds after. A program can also be stopped between that answer and what it does next; so
                what must not be done by two at once is also checked where it is written: `guard.token`
                grows with every grant of the lock, and `perigee.kv.put` with `fence = guard.token` refuses
                to write when a greater one has written there. Resources outside the server have to check
                the token themselves; where they do not, the lock is best effort.
                """,
            records: [Records.error],
            functions: [
                open("named", "NamedLock", "Opens a lock.", services, "rebuild"),
                open(
                    "repository", "RepositoryLock", "Opens a lock that there is once per repository.",
                    services,
                    "rebuild"),
                open(
                    "pull_request", "PullRequestLock", "Opens a lock that there is once per pull request.",
                    services, "merge-check"),
            ],
            classes: [
                HostClass(
                    "NamedLock", summary: "A lock, as `perigee.locks.named` gives it.",
                    methods: methods("NamedLock", key: [], example: "") { _, lock in
                        try lock.locks.named(lock.name)
                    }
                ),
                HostClass(
                    "RepositoryLock",
                    summary: "A lock per repository, as `perigee.locks.repository` gives it.",
                    methods: methods("RepositoryLock", key: [repository], example: "12, ") { call, lock in
                        try lock.locks.repository(lock.name, call.repository(0))
                    }),
                HostClass(
                    "PullRequestLock",
                    summary: "A lock per pull request, as `perigee.locks.pull_request` gives it.",
                    methods: methods("PullRequestLock", key: [target, number], example: "12, 3, ") {
                        call, lock in
                        try lock.locks.pullRequest(lock.name, call.repository(0), number: call.integer(1))
                    }),
                guardClass,
            ],
            release: { plugin in services.cluster.locks?.release(namespace: plugin) })
    }

    /// What a lock object in Lua code's hands stands for.
    final class LockObject: HostObject {
        let name: String
        let locks: NamespacedLocks

        init(name: String, locks: NamespacedLocks) {
            self.name = name
            self.locks = locks
        }
    }

    private static let repository = HostParameter("repository", .repository, "Which repository's lock.")
    private static let target = HostParameter(
        "repository", .repository, "The repository that the pull request would change.")
    private static let number = HostParameter("pull_request", .integer, "The pull request's number in it.")

    private static func open(
        _ name: String, _ className: String, _ summary: String, _ services: HostServices, _ example: String
    ) -> HostFunction {
        let variable = example.split(separator: "-").joined(separator: "_")
        return HostFunction(
            name, summary: summary,
            parameters: [HostParameter("name", .string, "One of those that the manifest names.")],
            results: [HostResult("lock", .object(className), "It lasts as long as the plugin.")],
            permission: .some(of: "locks"), phase: .registration,
            example: """
                local \(variable) = perigee.locks.\(name)("\(example)")
                """,
            body: .making { call in
                try call.require(.named("locks", call.string(0)))
                let locks = try translating(call) {
                    try services.require(\.cluster.locks).locks(namespace: call.plugin.id)
                }
                return try call.plugin.handles.add(
                    LockObject(name: call.string(0), locks: locks), as: className)
            })
    }

    static func acquire(
        _ call: HostCall, _ find: Find, isTry: Bool, optionsAt index: Int?
    ) async throws -> GuardObject? {
        let object: LockObject = try call.object()
        var wait: Duration?
        if let index, let text = call.options(index)["wait"]?.stringValue {
            let milliseconds = DurationText.milliseconds(text)
            try call.require(
                milliseconds != nil, argument: index, "options",
                "wait: a duration such as '5s' expected, got '\(text)'")
            wait = .milliseconds(milliseconds ?? 0)
        }
        let lock = try translating(call) { try find(call, object) }
        let label = "\(call.plugin.id) \(call.plugin.version)"
        let run = RunLocks.shared.enter(RunLocks.Key(call))
        do {
            let taken = try await translating(call) {
                isTry
                    ? try await lock.tryAcquire(run: run, label: label)
                    : try await lock.acquire(run: run, label: label, wait: wait)
            }
            guard let taken else {
                RunLocks.shared.leave(RunLocks.Key(call))
                return nil
            }
            return GuardObject(taken, key: RunLocks.Key(call))
        } catch {
            RunLocks.shared.leave(RunLocks.Key(call))
            throw error
        }
    }

    /// Runs a body; what the service refuses becomes a misuse or an outcome.
    static func translating<Value>(_ call: HostCall, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            throw failure(error, call)
        }
    }

    private static func translating<Value>(
        _ call: HostCall, _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch {
            throw failure(error, call)
        }
    }

    private static func failure(_ error: any Error, _ call: HostCall) -> any Error {
        switch error {
        case let error as LockError:
            switch error {
            case .timedOut: HostFailure.outcome(code: .timeout, message: "\(error)")
            case .tooManyWaiters, .stopped: HostFailure.outcome(code: .unavailable, message: "\(error)")
            default: HostFailure.misuse("\(call.function): \(error)")
            }
        case is ClusterError: HostFailure.outcome(code: .unavailable, message: "\(error)")
        default: error
        }
    }

    private static let guardClass = HostClass(
        "LockGuard", summary: "A lock that a run holds. It ends with the run at the latest.",
        fields: [
            HostField(
                "token", .integer,
                "The fencing token of this grant: greater than those of all earlier grants.")
        ],
        methods: [
            HostFunction(
                "held", summary: "Tells whether the lock is certainly still held.",
                results: [HostResult("held", .boolean, "`false` when it was lost, broken or given back.")],
                permission: .some(of: "locks"),
                example: """
                    local lock = perigee.locks.named("rebuild")
                    lock:with(nil, function(guard)
                      if not guard:held() then error("the lock was lost") end
                    end)
                    """,
                body: .quick { call in
                    let object = try call.findObject(as: GuardObject.self)
                    call.give(object?.isHeld ?? false)
                }),
            HostFunction(
                "release", summary: "Gives the lock back. The second time it does nothing.",
                permission: .some(of: "locks"),
                example: """
                    local lock = perigee.locks.named("rebuild")
                    local guard = lock:try()
                    if guard then guard:release() end
                    """,
                body: .waiting { call in
                    try await call.findObject(as: GuardObject.self)?.release()
                    return []
                }),
        ])
}
