import HTTPServing
import Hosting
import Hummingbird
import Logging
import Observability
import Portable

/// `logs/...`: levels that change while the node runs; for system administrators.
struct LogRoutes {
    let hosting: Hosting
    let logs: LogSystem

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "logs/logger/:logger") { try await show($0, logger: $0.path("logger")) }
        group.answer(.put, "logs/logger/:logger/:level") { try await change($0, logger: $0.path("logger")) }
        group.answer(.get, "logs/rootLogger") { try await show($0, logger: "ROOT") }
        group.answer(.put, "logs/rootLogger/:level") { try await change($0, logger: "ROOT") }
    }

    private func show(_ request: RESTRequest, logger: String) async throws -> Answer {
        try await hosting.permissions.require(.sysAdmin, request.principal)
        return try .json(["logLevel": .string(logs.level(logger: logger).name)])
    }

    private func change(_ request: RESTRequest, logger: String) async throws -> Answer {
        try await hosting.permissions.require(.sysAdmin, request.principal)
        let word = try request.path("level")
        guard let level = Logger.Level(name: word) else {
            throw RequestError.badRequest(
                "level",
                "\"\(Excerpt.of(word))\" is no level of logging. Use TRACE, DEBUG, INFO, WARN or ERROR.")
        }
        guard !logger.isEmpty, logger.utf8.count <= 200 else {
            throw RequestError.badRequest("logger", "A logger's name has 1 to 200 bytes. Give such a name.")
        }
        logs.setLevel(level, logger: logger)
        return .noContent
    }
}
