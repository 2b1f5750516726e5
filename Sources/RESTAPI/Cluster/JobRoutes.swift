import ClusterServices
import HTTPServing
import Hosting
import Hummingbird
import Portable

/// `/rest/api/.../admin/jobs`: what runs when, and how it went, for administrators. Jobs' data, which may
/// hold secrets, is not shown.
struct JobRoutes {
    let hosting: Hosting
    let jobs: JobScheduler

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "admin/jobs", list)
        group.answer(.get, "admin/jobs/:namespace/:name") { request in
            try await hosting.permissions.require(.admin, request.principal)
            let found = try await jobs.fetchJobs(
                namespace: request.path("namespace"), name: request.path("name"))
            guard !found.isEmpty else { throw Self.missing(request) }
            return try .json(["values": .list(found.map { $0.portable(runsMax: JobRun.keptMax) })])
        }
        group.answer(.post, "admin/jobs/:namespace/:name/run") { request in
            try await change(request) { try await jobs.runNow(namespace: $0, name: $1) }
        }
        group.answer(.delete, "admin/jobs/:namespace/:name") { request in
            try await change(request) { try await jobs.unschedule(namespace: $0, name: $1) }
        }
    }

    private func list(_ request: RESTRequest) async throws -> Answer {
        try await hosting.permissions.require(.admin, request.principal)
        let page = try request.page(max: 500)
        let limit = page.limit
        let found = try await jobs.fetchJobs(start: page.start, limit: limit + 1)
        let isLast = found.count <= limit
        return try .json([
            "size": .integer(Int64(min(found.count, limit))), "limit": .integer(Int64(limit)),
            "isLastPage": .bool(isLast), "start": .integer(Int64(page.start)),
            "nextPageStart": isLast ? .null : .integer(Int64(page.start + limit)),
            "values": .list(found.prefix(limit).map { $0.portable(runsMax: 0) }),
        ])
    }

    private func change(
        _ request: RESTRequest, _ action: (String, String) async throws -> Void
    ) async throws -> Answer {
        try await hosting.permissions.require(.admin, request.principal)
        do {
            try await action(request.path("namespace"), request.path("name"))
        } catch JobError.noSuchJob {
            throw Self.missing(request)
        }
        return .noContent
    }

    private static func missing(_ request: RESTRequest) -> RequestError {
        .notFound("There is no such job.")
    }
}

extension JobStatus {
    /// - Parameter runsMax: How many runs are shown beside the last one and the one that is under way.
    fileprivate func portable(runsMax: Int) -> PortableValue {
        var fields: [String: PortableValue] = [
            "namespace": .string(namespace), "name": .string(name), "runner": .string(runner),
            "schedule": .string(scheduleText), "mode": .string(mode.rawValue),
            "node": .optional(nodeID), "nextRunDate": .optional(nextRun), "pending": .bool(isPending),
            "skipped": .integer(skipped), "running": running?.portable ?? .null,
            "lastRun": lastRun?.portable ?? .null,
        ]
        if runsMax > 0 { fields["runs"] = .list(runs.prefix(runsMax).map(\.portable)) }
        return .map(fields)
    }
}

extension JobRun {
    fileprivate var portable: PortableValue {
        [
            "token": .integer(token), "fireDate": .integer(fireTime), "reason": .string(reason.rawValue),
            "attempt": .integer(Int64(attempt)), "node": .string(nodeID), "startedDate": .integer(startedAt),
            "endedDate": .optional(endedAt), "outcome": .optional(outcome?.rawValue),
            "message": .optional(message),
        ]
    }
}
