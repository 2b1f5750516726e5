import ClusterServices
import HTTPServing
import Hosting
import Hummingbird
import Portable

/// `/rest/api/.../admin/executors`: what the executors hold, for administrators; dead letters, which may hold
/// secrets, for system administrators.
struct ExecutorRoutes {
    let hosting: Hosting
    let executors: ExecutorService

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "admin/executors") { request in
            try await hosting.permissions.require(.admin, request.principal)
            return try .page(Page(of: try await executors.fetchOverviews(), request: request.page())) {
                $0.portable
            }
        }
        let letters: RouterPath = "admin/executors/:namespace/:name/dead-letters"
        group.answer(.get, letters, deadLetters)
        group.answer(.post, "admin/executors/:namespace/:name/dead-letters/retry") { request in
            try await change(request) { namespace, name, id in
                try await executors.retryDeadLetters(namespace: namespace, name: name, id: id)
            }
        }
        group.answer(.delete, letters) { request in
            try await change(request) { namespace, name, id in
                try await executors.dropDeadLetters(namespace: namespace, name: name, id: id)
            }
        }
    }

    /// Pages by number, as letters come and go: `after` is the last one of the page before.
    private func deadLetters(_ request: RESTRequest) async throws -> Answer {
        try await hosting.permissions.require(.sysAdmin, request.principal)
        let limit = min(try request.query.wholeNumber("limit", minimum: 1) ?? 25, 100)
        let after = try request.query.wholeNumber("after", minimum: 0) ?? 0
        let letters = try await executors.fetchDeadLetters(
            namespace: request.path("namespace"), name: request.path("name"), after: Int64(after),
            limit: limit + 1)
        let page = letters.prefix(limit)
        return try .json([
            "size": .integer(Int64(page.count)), "limit": .integer(Int64(limit)),
            "isLastPage": .bool(letters.count <= limit), "values": .list(page.map(\.portable)),
            "nextAfter": letters.count > limit ? page.last.map { .integer($0.id) } ?? .null : .null,
        ])
    }

    private func change(
        _ request: RESTRequest, _ action: (String, String, Int64?) async throws -> Int
    ) async throws -> Answer {
        try await hosting.permissions.require(.sysAdmin, request.principal)
        let id = try request.query.wholeNumber("id", minimum: 1).map(Int64.init)
        let count = try await action(request.path("namespace"), request.path("name"), id)
        return try .json(["count": .integer(Int64(count))])
    }
}

extension ExecutorOverview {
    fileprivate var portable: PortableValue {
        [
            "id": .integer(id), "namespace": .string(namespace), "name": .string(name),
            "waiting": .integer(waiting), "delayed": .integer(delayed), "dead": .integer(dead),
            "buckets": .integer(buckets), "running": .integer(running), "failing": .integer(failing),
            "oldestAgeMillis": oldestAge.map { .integer($0) } ?? .null,
        ]
    }
}

extension DeadLetter {
    fileprivate var portable: PortableValue {
        [
            "id": .integer(id), "bucket": .string(bucket), "task": payload,
            "attempts": .integer(Int64(attempts)),
            "error": .string(error), "submittedDate": .integer(submittedAt), "diedDate": .integer(diedAt),
        ]
    }
}
