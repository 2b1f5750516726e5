import ClusterServices
import PluginHost
import Portable
import Synchronization

/// `perigee.executors`: durable tasks, in order within a bucket, on any node.
enum ExecutorsModule {
    static func module(_ services: HostServices) -> HostModule {
        HostModule(
            "executors",
            summary: "Works on tasks later, on any node of the cluster, in order where order matters.",
            notes: """
                The manifest names the executors: `"executors": ["reports"]`. A task is plain data of at
                most 64 KiB, best an id; what it is about may be gone by the time that the task is worked
                on.

                When `submit` returns, the task is in the database. It is worked on at least once: a second
                time after an error, and when a node dies with it. Tasks of one bucket come in the order in
                which they were submitted, and only one function at a time works on a bucket in the whole
                cluster, so that it needs no lock. Different buckets are worked on side by side, as many as
                `concurrency` says: `per_node` on each node, or `per_cluster` divided by the number of nodes
                and rounded up.

                A function that raises an error has failed: its bucket rests for `backoff`, twice as long
                each further time, five minutes at most, and at random up to a quarter more; then the same
                tasks come again. For the last attempt each task comes alone. A task that has failed
                `max_attempts` times becomes a dead letter with its last error, which stays until it is
                retried or dropped. Being stopped or reloaded in the middle is no failure.

                A node that is cut off goes on for a while with tasks that another one has taken over. What it
                then writes to `perigee.kv` or `perigee.refs` is refused, with `fenced`.

                A delayed task takes its place in its bucket when it is due; until then others are not held
                up. An executor takes no more than `max_tasks`, dead letters included: `submit` then gives
                `quota`.
                """,
            records: [Records.error, deadLetter, status, concurrency],
            functions: [define(services)],
            classes: [
                HostClass(
                    "Executor", summary: "An executor, as `perigee.executors.define` gives it.",
                    methods: [submit, schedule, statusMethod, deadLetters, retry, drop])
            ],
            release: { plugin in await services.cluster.executors?.release(namespace: plugin) })
    }

    private static let deadLetter = HostRecord(
        "DeadLetter", "A task whose attempts are used up.",
        [
            HostField("id", .integer, "Grows with each one."),
            HostField("bucket", .string, "The task's bucket."),
            HostField("task", .value, "What was submitted."),
            HostField("attempts", .integer, "How often it was tried."),
            HostField("error", .string, "What the last attempt ended with."),
            HostField("submitted_at", .integer, "Milliseconds since 1970."),
            HostField("died_at", .integer, "Milliseconds since 1970."),
        ])

    private static let status = HostRecord(
        "ExecutorStatus", "What an executor holds at the moment, on all nodes.",
        [
            HostField("waiting", .integer, "Tasks in their buckets, those that are worked on included."),
            HostField("delayed", .integer, "Tasks that are not due yet."),
            HostField("dead", .integer, "Dead letters."),
            HostField("buckets", .integer, "Buckets that have tasks."),
            HostField("running", .integer, "Buckets that are worked on."),
            HostField("failing", .integer, "Buckets that rest after a failure."),
            HostField(
                "oldest_age", .integer, "How long the oldest task has waited, in milliseconds.",
                isOptional: true),
        ])

    private static let concurrency = HostRecord(
        "ExecutorConcurrency", "How many buckets an executor works on at the same time; one of the two.",
        [
            HostField("per_node", .integer, "So many on each node; at most 64.", isOptional: true),
            HostField(
                "per_cluster", .integer, "So many divided by the number of nodes, rounded up; at most 256.",
                isOptional: true),
        ])

    private static let options: HostType = .options(
        "ExecutorOptions",
        [
            HostField(
                "process", .function("fun(bucket: string, tasks: perigee.Value[], attempt: integer)"),
                "Works on tasks of one bucket, oldest first. Returning means done, raising an error failed."),
            HostField(
                "bucket", .function("fun(task: perigee.Value): string|integer"),
                "Gives the bucket of a task, at most 256 bytes (default: all tasks are in one).",
                isOptional: true),
            HostField(
                "batch", .integer, "How many tasks come at once at most (default 1; at most 1000).",
                isOptional: true),
            HostField(
                "max_attempts", .integer, "How often a task is tried (default 5; 1: never again).",
                isOptional: true),
            HostField(
                "backoff", .string, "How long a bucket rests after the first failure (default `1s`).",
                isOptional: true),
            HostField(
                "concurrency", .record("ExecutorConcurrency"),
                "How many buckets are worked on at the same time (default: one per node).", isOptional: true),
            HostField(
                "timeout", .string,
                "How long one run of `process` may take, waiting included (default `5m`; at most `24h`).",
                isOptional: true),
            HostField(
                "max_tasks", .integer, "How many tasks it holds at most (default and most 100000).",
                isOptional: true),
        ])

    private static func define(_ services: HostServices) -> HostFunction {
        HostFunction(
            "define",
            summary: "Defines an executor. The node works on its tasks once the plugin has started.",
            parameters: [
                HostParameter("name", .string, "One of those that the manifest names."),
                HostParameter("options", options, "What is done with a task, and how."),
            ],
            results: [HostResult("executor", .object("Executor"), "It lasts as long as the plugin.")],
            permission: .some(of: "executors"), phase: .registration,
            example: """
                local work = perigee.executors.define("reports", {
                  bucket = function(task) return task.repository end,
                  batch = 100,
                  concurrency = { per_cluster = 4 },
                  process = function(bucket, tasks)
                    perigee.log.info("rebuilding", { repository = bucket, tasks = #tasks })
                  end,
                })
                perigee.events.on("repo:refs_changed", function(event)
                  work:submit({ repository = event.repository.id })
                end)
                """,
            body: .making { call in
                let name = call.string(0)
                try call.require(.named("executors", name))
                guard let process = call.callback(1, "process") else {
                    throw HostFailure.misuse(
                        "bad argument #2 'options' to '\(call.function)' (process: function expected)")
                }
                let options = try ExecutorOptions(call)
                let object = ExecutorObject(
                    name: name, plugin: call.plugin.id, settings: options.settings,
                    bucket: call.callback(1, "bucket"), executors: services.cluster.executors)
                let plugin = call.plugin
                try plugin.offer("executors.define \(name)") {
                    let definition = try await object.requireService().define(
                        namespace: plugin.id, name: name, settings: options.settings
                    ) { batch in
                        do {
                            _ = try await plugin.call(
                                process,
                                [
                                    .string(batch.bucket), .list(batch.tasks.map(\.payload)),
                                    .integer(Int64(batch.attempt)),
                                ], callerContext: TaskCallContext(fence: batch.fence), kind: "executor",
                                wait: options.timeout)
                            return nil
                        } catch PluginCallError.stopped {
                            throw TaskNotTaken()
                        }
                    }
                    return { await definition.end() }
                }
                return try plugin.handles.add(object, as: "Executor")
            })
    }

    private static let task = HostParameter("task", .value, "Plain data, not `nil`.")
    private static let submitted = [
        HostResult("submitted", .boolean, "`true`; `nil` when it was not taken.", isOptional: true),
        HostResult(
            "err", .record("Error"), "`quota` when it holds too many; `unavailable`.", isOptional: true),
    ]

    private static let submit = HostFunction(
        "submit", summary: "Submits a task. When it returns `true` the task is in the database.",
        parameters: [task], results: submitted, permission: .some(of: "executors"),
        example: """
            local work = perigee.executors.define("mail", { process = function(_, tasks) end })
            perigee.events.on("repo:created", function(event)
              local ok, err = work:submit({ repository = event.repository.id })
              if not ok then perigee.log.warn(err.message) end
            end)
            """,
        body: .loading(submission { _ in nil }))

    private static let schedule = HostFunction(
        "schedule", summary: "Submits a task that is worked on after a while.",
        parameters: [task, HostParameter("delay", .string, "Not before that has passed, such as `10m`.")],
        results: submitted, permission: .some(of: "executors"),
        example: """
            local work = perigee.executors.define("mail", { process = function(_, tasks) end })
            perigee.events.on("repo:created", function(event)
              work:schedule({ repository = event.repository.id }, "10m")
            end)
            """,
        body: .loading(
            submission { call in
                let milliseconds = DurationText.milliseconds(call.string(1))
                try call.require(
                    milliseconds != nil, argument: 1, "delay",
                    "a duration such as '10m' expected, got '\(call.string(1).cut(toBytes: 40))'")
                return .milliseconds(milliseconds ?? 0)
            }))

    private struct Submission: Sendable {
        let object: ExecutorObject
        let task: PortableValue
        let delay: Duration?
        let function: String
    }

    /// The bucket's function runs in the caller's coroutine.
    private static func submission(_ delay: @escaping @Sendable (HostCall) throws -> Duration?) -> HostLoading
    {
        HostLoading(
            glance: { _, _, _ in false },
            enter: { call in
                let object: ExecutorObject = try call.object()
                try call.require(!call.value(0).isNull, argument: 0, "task", "nil cannot be submitted")
                let submission = Submission(
                    object: object, task: call.value(0), delay: try delay(call), function: call.function)
                guard let bucket = object.bucket else {
                    return .answered(try await submit(submission, bucket: "default"))
                }
                return .run(HostBracket(state: submission, arguments: [call.value(0)]), callback: bucket)
            },
            leave: { state, results in
                guard let submission = state as? Submission, let results else { return [] }
                let bucket: String? =
                    switch results.first {
                    case .string(let text)?: text
                    case .integer(let number)?: String(number)
                    default: nil
                    }
                guard let bucket else {
                    throw HostFailure.misuse(
                        "\(submission.function): the function 'bucket' must return a string or an integer")
                }
                return try await submit(submission, bucket: bucket)
            })
    }

    private static func submit(_ submission: Submission, bucket: String) async throws -> [PortableValue] {
        do {
            try await submission.object.executor().submit(
                bucket: bucket, submission.task, delay: submission.delay)
            return [true]
        } catch let error as ExecutorError {
            switch error {
            case .full: throw HostFailure.outcome(code: .quota, message: "\(error)")
            case .ended: throw HostFailure.outcome(code: .unavailable, message: "\(error)")
            default: throw HostFailure.misuse("\(submission.function): \(error)")
            }
        } catch let error as PortableError {
            throw HostFailure.misuse("\(submission.function): \(error)")
        }
    }

    private static let statusMethod = HostFunction(
        "status", summary: "Gives what the executor holds.",
        results: [HostResult("status", .record("ExecutorStatus"), "Of all nodes.")],
        permission: .some(of: "executors"),
        example: """
            local work = perigee.executors.define("mail", { process = function(_, tasks) end })
            perigee.plugin.on_start(function()
              perigee.log.info("tasks wait", { count = work:status().waiting })
            end)
            """,
        body: .waiting { call in
            let object: ExecutorObject = try call.object()
            let all = try await object.requireService().fetchOverviews()
            let own = all.first { $0.namespace == object.plugin && $0.name == object.name }
            let status: [String: PortableValue] = [
                "waiting": .integer(own?.waiting ?? 0), "delayed": .integer(own?.delayed ?? 0),
                "dead": .integer(own?.dead ?? 0), "buckets": .integer(own?.buckets ?? 0),
                "running": .integer(own?.running ?? 0), "failing": .integer(own?.failing ?? 0),
                "oldest_age": own?.oldestAge.map { .integer($0) } ?? .null,
            ]
            return [.map(status.withoutNulls)]
        })

    private static let deadLetters = HostFunction(
        "dead_letters", summary: "Goes over the dead letters, oldest first.",
        results: [HostResult("letter", .record("DeadLetter"), "One after another.")],
        permission: .some(of: "executors"),
        example: """
            local work = perigee.executors.define("mail", { process = function(_, tasks) end })
            perigee.plugin.on_start(function()
              for letter in work:dead_letters() do perigee.log.warn(letter.error) end
            end)
            """,
        body: .pages { call, cursor in
            let object: ExecutorObject = try call.object()
            let letters = try await object.requireService().fetchDeadLetters(
                namespace: object.plugin, name: object.name, after: cursor?.integerValue ?? 0, limit: 20)
            return HostPage(items: letters.map(\.luaTable), next: letters.last.map { .integer($0.id) })
        })

    private static let letterID = HostParameter(
        "id", .integer, "The dead letter's (default: all of them).", isOptional: true)

    private static let retry = HostFunction(
        "retry", summary: "Submits dead letters again, as if they were new.", parameters: [letterID],
        results: [HostResult("count", .integer, "How many.")], permission: .some(of: "executors"),
        example: """
            local work = perigee.executors.define("mail", { process = function(_, tasks) end })
            perigee.plugin.on_start(function() work:retry() end)
            """,
        body: .waiting { call in
            let object: ExecutorObject = try call.object()
            let count = try await object.requireService().retryDeadLetters(
                namespace: object.plugin, name: object.name, id: call.optionalInteger(0))
            return [.integer(Int64(count))]
        })

    private static let drop = HostFunction(
        "drop", summary: "Deletes dead letters.", parameters: [letterID],
        results: [HostResult("count", .integer, "How many.")], permission: .some(of: "executors"),
        example: """
            local work = perigee.executors.define("mail", { process = function(_, tasks) end })
            perigee.plugin.on_start(function()
              for letter in work:dead_letters() do
                if letter.attempts > 10 then work:drop(letter.id) end
              end
            end)
            """,
        body: .waiting { call in
            let object: ExecutorObject = try call.object()
            let count = try await object.requireService().dropDeadLetters(
                namespace: object.plugin, name: object.name, id: call.optionalInteger(0))
            return [.integer(Int64(count))]
        })
}

extension DeadLetter {
    fileprivate var luaTable: PortableValue {
        [
            "id": .integer(id), "bucket": .string(bucket), "task": payload,
            "attempts": .integer(Int64(attempts)), "error": .string(error.cut(toBytes: 2000)),
            "submitted_at": .integer(submittedAt), "died_at": .integer(diedAt),
        ]
    }
}
