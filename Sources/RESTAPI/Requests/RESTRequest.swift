import HTTPServing
import Hosting
import Hummingbird
import Portable

/// One REST call: its parameters, read with their limits checked, and who makes it.
struct RESTRequest: Sendable {
    let request: Request
    let context: ServingContext
    let query: QueryFields

    var principal: Principal { context.principal }

    /// - Throws: A 400 for a broken query, a 404 for an API version that does not exist.
    init(_ request: Request, _ context: ServingContext) throws {
        if let version = context.parameters.get("version"), version != "1.0", version != "latest" {
            throw RequestError.notFound(
                "This API has no version \"\(Excerpt.of(version))\". Use 1.0 or latest.")
        }
        self.request = request
        self.context = context
        self.query = try QueryFields(query: request.uri.query)
    }

    /// A path parameter of one segment, decoded.
    /// - Parameter allowingSlash: True where the value may be a ref, whose slashes come as `%2F`.
    /// - Throws: A 400 naming the parameter when an escape is broken or it holds a control character, or a
    ///   slash or backslash that may not be there, or is `.` or `..`.
    func path(_ name: String, allowingSlash: Bool = false) throws -> String {
        guard let raw = context.parameters.get(name) else {
            throw RequestError.notFound("The path lacks \"\(name)\".")
        }
        let text = try decodedSegment(raw, name: name)
        guard !text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) else {
            throw RequestError.badRequest(name, "\"\(name)\" has a control character in it. Leave it out.")
        }
        if !allowingSlash, text.contains("/") || text.contains("\\") {
            throw RequestError.badRequest(name, "\"\(name)\" has a slash or backslash in it. Leave it out.")
        }
        return text
    }

    /// What follows a `**` route, decoded segment by segment and joined by `/`; empty when nothing follows.
    /// File names may hold any character but NUL, as in git.
    /// - Throws: A 400 when a segment is empty once decoded, `.`, `..`, or holds NUL.
    func rest(_ name: String) throws -> String {
        try context.parameters.getCatchAll().map { try decodedSegment($0, name: name) }.joined(separator: "/")
    }

    private func decodedSegment(_ raw: some StringProtocol, name: String) throws -> String {
        guard let text = PercentDecoding.decode(raw) else {
            throw RequestError.badRequest(
                name, "The path has a broken %-escape. Write it as %XX of UTF-8 bytes.")
        }
        guard !text.utf8.contains(0) else {
            throw RequestError.badRequest(name, "\"\(name)\" has a NUL character in it. Leave it out.")
        }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else {
            throw RequestError.badRequest(
                name, "\"\(name)\" has an empty, \".\" or \"..\" part. Give a plain name.")
        }
        return text
    }

    /// The page that `start` and `limit` ask for; a larger limit than the resource gives is lowered.
    /// - Throws: A 400 naming the parameter that is no number in range.
    func page(
        limit defaultLimit: Int = PageRequest.limitDefault, max: Int = PageRequest.limitMax
    ) throws -> PageRequest {
        let start = try query.wholeNumber("start", minimum: 0) ?? 0
        let limit = try query.wholeNumber("limit", minimum: 1) ?? defaultLimit
        return PageRequest(start: start, limit: limit, limitMax: max)
    }

    /// The body's JSON object.
    /// - Throws: A 400 when there is none or it is not JSON, a 413 when it is too large, a 415 when the body
    ///   calls itself something else.
    func body() async throws -> BodyFields {
        let value = try await request.jsonBody()
        guard let fields = value.mapValue else {
            let problem = value.isNull ? "The request has no body." : "The body is \(value.kindForPeople)."
            throw RequestError.badRequest(nil, "\(problem) Send a JSON object.")
        }
        return BodyFields(fields)
    }
}
