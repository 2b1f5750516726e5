import ClusterServices
import PluginHost
import Portable

/// `perigee.jobs`: what runs at its time, once in the cluster or on every node.
enum JobsModule {
    static func module(_ services: HostServices) -> HostModule {
        HostModule(
            "jobs", summary: "Runs functions at their times: on one node of the cluster, or on each.",
            notes: """
                The manifest names the functions: `"jobs": ["resync"]`. A job is one of them with a
                schedule, kept in the database until it is unscheduled: it goes on after a restart, and on
                the nodes that are left when one ends. Only nodes on which the plugin runs take its jobs.

                For each of its times a job of the cluster runs at most once, on one node, and never twice
                at a time. Which time it is says the database's clock. When a time comes while the job still
                runs, it is left out, or, with `overlap = "queue"`, the job runs once more afterwards. Times
                that passed while no node or no database was there are made up for by one run, or left out
                with `misfire = "skip"`. A run whose node dies is lost; with `recover = true` another node
                starts it again, with a larger `job.token`. A job that runs for long asks `job:cancelled()`
                now and then: it is `true` when the plugin or the node is to stop, and when the node is cut
                off, so that the job may be started elsewhere.

                All nodes register the same jobs when the plugin starts there. An equal schedule changes
                nothing; a different one replaces it, and gives no run besides.

                Cron expressions have the usual 5 fields (minute, hour, day of the month, month, day of the
                week from 0 or 7 for Sunday), 6 with the second before them, or 7 with the year after them
                (then day of the week is 1 for Sunday to 7, and one of the two fields for days is `?` or
                `*`). They know lists, ranges, steps, names, `L`, `W` and `#`, and `@daily` and its like. On
                the day on which clocks go forward, a time that is left out runs at the moment when they do;
                a time that comes twice runs the first time, but for expressions that select every hour,
                which go on at their pace.
                """,
            records: [Records.error, runRecord, statusRecord],
            functions: [
                runner(services), every(services), cron(services), once(services), status(services),
                change(
                    services, "run_now",
                    """
                    Has a job run as soon as it does not run, beside its schedule. Several of these that \
                    wait are one run.
                    """
                ) { try await $0.runNow(namespace: $1, name: $2) },
                change(
                    services, "unschedule",
                    """
                    Ends a job's schedule on all nodes. A run that is under way goes on. Functions that \
                    register it when the plugin starts bring it back then.
                    """
                ) { try await $0.unschedule(namespace: $1, name: $2) },
            ],
            classes: [jobClass],
            release: { plugin in services.cluster.jobs?.release(namespace: plugin) })
    }

    private static let jobClass = HostClass(
        "Job", summary: "A run of a job, as its function gets it.",
        fields: [
            HostField("name", .string, "The job's name."),
            HostField("token", .integer, "Grows with each run: a fence for `perigee.kv`."),
            HostField("fire_time", .integer, "The time that it runs for, milliseconds since 1970."),
            HostField("reason", reason, "Why it runs."),
            HostField("attempt", .integer, "1, or more when earlier runs for the time were lost."),
            HostField("data", .value, "The job's `data`.", isOptional: true),
        ], methods: [cancelled])

    static let reason: HostType = .choice(JobRun.Reason.allCases.map(\.rawValue))

    private static let signature: HostType = .function("fun(job: perigee.Job): string?")
    private static let function = HostParameter(
        "fn", signature,
        """
        What runs; its result, a text, is kept with the run. `nil` and an error, or raising one, is a \
        failure. Left out for a `runner` that is registered otherwise, as it must be after the plugin has \
        started.
        """, isOptional: true)
    private static let name = HostParameter("name", .string, "The job's name; at most 200 bytes.")
    private static let scheduled = [
        HostResult("scheduled", .boolean, "`true`; `nil` when it was not done.", isOptional: true),
        HostResult("err", .record("Error"), "`quota` for too many jobs; `unavailable`.", isOptional: true),
    ]

    private static let options: HostType = .options("JobOptions", JobRequest.fields)

    private static let cancelled = HostFunction(
        "cancelled", summary: "Tells whether the run is to stop. Once it is true it stays so.",
        results: [HostResult("cancelled", .boolean, "`true` when the run is to stop.")],
        example: """
            perigee.jobs.every("sweep", "1h", nil, function(job)
              for repository in perigee.repositories.each() do
                if job:cancelled() then return "stopped early" end
                perigee.log.info("swept", { repository = repository.id })
              end
            end)
            """,
        body: .quick { call in
            let job: JobObject? = try call.findObject()
            call.give(job?.job.isCancelled ?? true)
        })

    private static func runner(_ services: HostServices) -> HostFunction {
        HostFunction(
            "runner", summary: "Registers a function for jobs that are scheduled while the plugin runs.",
            parameters: [
                HostParameter("name", .string, "One of those that the manifest names."),
                HostParameter("fn", signature, "What runs, as for `every`."),
                HostParameter(
                    "options",
                    .options(
                        "RunnerOptions",
                        [
                            HostField(
                                "timeout", .string,
                                "How long a run may take, waiting included (default `1h`; at most `1d`).",
                                isOptional: true)
                        ]), "How it runs.", isOptional: true),
            ],
            permission: .some(of: "jobs"), phase: .registration,
            example: """
                perigee.jobs.runner("remind", function(job)
                  perigee.log.info("reminder", { repository = job.data.repository })
                end)
                perigee.events.on("repo:created", function(event)
                  local id = event.repository.id
                  perigee.jobs.once("remind-" .. id, perigee.time.now() + 86400000,
                    { runner = "remind", data = { repository = id } })
                end)
                """,
            body: .immediate { call in
                let timeout = try JobRequest.timeout(call, 2)
                try lend(call, call.string(0), try call.callback(1), timeout, services, job: nil)
                return []
            })
    }

    private static func every(_ services: HostServices) -> HostFunction {
        HostFunction(
            "every", summary: "Runs a function again and again, so long from one time to the next.",
            parameters: [
                name,
                HostParameter(
                    "interval", .value, "Such as `15m`, or milliseconds as settings have; at least 1 s."),
                HostParameter("options", options, "How it runs.", isOptional: true), function,
            ],
            results: scheduled, permission: .some(of: "jobs"),
            example: """
                perigee.jobs.every("resync", "15m", { jitter = "1m", recover = true }, function(job)
                  perigee.log.info("resync", { reason = job.reason })
                end)
                """,
            body: .waiting { call in
                try await register(call, 2, services) { request in
                    try request.refuse("timezone", call)
                    return .interval(try request.interval(call), first: request.first)
                }
            })
    }

    private static func cron(_ services: HostServices) -> HostFunction {
        HostFunction(
            "cron", summary: "Runs a function at the times of a cron expression.",
            parameters: [
                name, HostParameter("expression", .string, "5, 6 or 7 fields, such as `30 2 * * MON-FRI`."),
                HostParameter("options", options, "How it runs.", isOptional: true), function,
            ],
            results: scheduled, permission: .some(of: "jobs"),
            example: """
                perigee.jobs.cron("nightly", "30 2 * * *", { timezone = "Europe/Berlin" }, function()
                  perigee.log.info("good night")
                end)
                """,
            body: .waiting { call in
                try await register(call, 2, services) { request in
                    try request.refuse("first_run", call)
                    return try .cron(call.string(1), zone: request.zone)
                }
            })
    }

    private static func once(_ services: HostServices) -> HostFunction {
        HostFunction(
            "once",
            summary: """
                Runs a function once. The same time again changes nothing, also when it has run; another \
                time has it run again.
                """,
            parameters: [
                name,
                HostParameter(
                    "time", .integer, "Milliseconds since 1970; at once where that is over."),
                HostParameter("options", options, "How it runs.", isOptional: true), function,
            ],
            results: scheduled, permission: .some(of: "jobs"),
            example: """
                perigee.jobs.once("upgrade-2", 1767225600000, { recover = true }, function()
                  perigee.log.info("upgraded")
                end)
                """,
            body: .waiting { call in
                try await register(call, 2, services) { request in
                    for name in ["timezone", "first_run"] { try request.refuse(name, call) }
                    return .once(at: call.integer(1))
                }
            })
    }

    private static func status(_ services: HostServices) -> HostFunction {
        HostFunction(
            "status", summary: "Tells how a job of this plugin is doing in the cluster.", parameters: [name],
            results: [
                HostResult(
                    "status", .record("JobStatus"), "`nil` when there is no such job.", isOptional: true),
                HostResult("err", .record("Error"), "`not_found`; `unavailable`.", isOptional: true),
            ],
            permission: .some(of: "jobs"),
            example: """
                local status = perigee.jobs.status("resync")
                if status and status.last_run and status.last_run.outcome == "failed" then
                  perigee.log.warn(status.last_run.message or "failed")
                end
                """,
            body: .waiting { call in
                let jobs = try await services.require(\.cluster.jobs).fetchJobs(
                    namespace: call.plugin.id, name: call.string(0))
                // Of a job of every node, this node's own.
                let node = try services.require(\.cluster.jobs).nodeID
                guard let job = jobs.first(where: { $0.nodeID == nil || $0.nodeID == node }) ?? jobs.first
                else {
                    throw HostFailure.from(JobError.noSuchJob(name: call.string(0)))
                }
                return [job.luaTable]
            })
    }

    private static func change(
        _ services: HostServices, _ name: String, _ summary: String,
        _ body: @escaping @Sendable (JobScheduler, String, String) async throws -> Void
    ) -> HostFunction {
        HostFunction(
            name, summary: summary, parameters: [self.name],
            results: [
                HostResult("done", .boolean, "`true`; `nil` when there is no such job.", isOptional: true),
                HostResult("err", .record("Error"), "`not_found`; `unavailable`.", isOptional: true),
            ],
            permission: .some(of: "jobs"),
            example: """
                local ok, err = perigee.jobs.\(name)("resync")
                if not ok then perigee.log.warn(err.message) end
                """,
            body: .waiting { call in
                do {
                    try await body(services.require(\.cluster.jobs), call.plugin.id, call.string(0))
                } catch let error as JobError {
                    throw HostFailure.from(error)
                }
                return [true]
            })
    }
}
