import ClusterServices
import PluginHost
import Portable

extension JobsModule {
    /// Registers a job: with its function while the main chunk runs, for a registered runner at any time.
    /// - Parameter index: Of the options among the arguments; the function follows.
    static func register(
        _ call: HostCall, _ index: Int, _ services: HostServices,
        _ schedule: (JobRequest) throws -> JobSchedule
    ) async throws -> [PortableValue] {
        let request = try JobRequest(call, index)
        var definition: JobDefinition
        do {
            definition = JobDefinition(
                namespace: call.plugin.id, name: call.string(0), runner: request.runner,
                schedule: try schedule(request))
            request.apply(to: &definition)
            try definition.check()
        } catch let error as CronError {
            throw HostFailure.misuse("bad argument #2 'expression' to '\(call.function)' (\(error))")
        } catch let error as JobError {
            throw HostFailure.misuse("\(call.function): \(error)")
        }
        try call.require(.named("jobs", definition.runner))
        if let callback = call.callbacks[index + 1] {
            guard call.plugin.isRegistering else {
                throw HostFailure.misuse(
                    "\(call.function): a function can only be given while the main chunk runs; "
                        + "register it with perigee.jobs.runner there, and name it as 'runner' here")
            }
            try lend(call, definition.runner, callback, request.timeout, services, job: definition)
            return [true]
        }
        guard request.hasRunner else {
            throw HostFailure.misuse(
                "\(call.function): a function, or a 'runner' in the options, is expected")
        }
        do {
            try await services.require(\.cluster.jobs).schedule(definition)
        } catch let error as JobError {
            throw HostFailure.from(error)
        }
        return [true]
    }

    /// Has this node run a function for jobs, from when the plugin serves until it does not.
    /// - Parameter job: Registered with it.
    static func lend(
        _ call: HostCall, _ runner: String, _ callback: PluginCallback, _ timeout: Duration,
        _ services: HostServices, job: JobDefinition?
    ) throws {
        try call.require(.named("jobs", runner))
        let plugin = call.plugin
        let text = job.map { "jobs: \($0.name) (\($0.schedule))" } ?? "jobs.runner \(runner)"
        try plugin.offer(text) {
            let jobs = try services.require(\.cluster.jobs)
            let registration = jobs.addRunner(namespace: plugin.id, name: runner) { run in
                try await Self.run(run, plugin, callback, timeout)
            }
            if let job { try jobs.want(job) }
            return { registration.cancel() }
        }
    }

    private static func run(
        _ job: RunningJob, _ plugin: PluginContext, _ callback: PluginCallback, _ timeout: Duration
    ) async throws -> String? {
        let handle = try plugin.handle(JobObject(job), as: "Job", fields: JobObject.fields(job))
        let results: [PortableValue]
        do {
            results = try await plugin.call(callback, handle: handle, kind: "job", wait: timeout)
        } catch PluginCallError.stopped {
            throw CancellationError()
        }
        let (first, second) = (results.first ?? .null, results.count > 1 ? results[1] : .null)
        guard first.isNull, !second.isNull else { return first.stringValue }
        throw JobFailure(description: second.stringValue ?? second["message"]?.stringValue ?? "failed")
    }
}

/// What a job's function returned as its error.
private struct JobFailure: Error, CustomStringConvertible {
    let description: String
}

/// What a running job in Lua code's hands stands for.
final class JobObject: HostObject {
    let job: RunningJob

    init(_ job: RunningJob) { self.job = job }

    static func fields(_ job: RunningJob) -> [String: PortableValue] {
        [
            "name": .string(job.name), "token": .integer(job.run.token),
            "fire_time": .integer(job.run.fireTime), "reason": .string(job.run.reason.rawValue),
            "attempt": .integer(Int64(job.run.attempt)), "data": job.data,
        ].withoutNulls
    }
}

extension HostFailure {
    /// What the scheduler refuses.
    static func from(_ error: JobError) -> HostFailure {
        switch error {
        case .noSuchJob: .outcome(code: .notFound, message: "\(error)")
        case .tooManyJobs: .outcome(code: .quota, message: "\(error)")
        case .neverRuns: .outcome(code: .refused, message: "\(error)")
        case .invalidName, .invalidSchedule, .unknownZone, .invalidData: .misuse("\(error)")
        }
    }
}
