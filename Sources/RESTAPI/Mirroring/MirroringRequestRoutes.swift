import FoundationEssentials
import HTTPServing
import Hosting
import Hummingbird
import Mirroring
import Portable

/// `/rest/mirroring/.../requests`: mirrors that ask to be accepted, and the decisions on them.
/// - Source: Bitbucket Server's REST API, Mirroring.
struct MirroringRequestRoutes {
    let hosting: Hosting
    let mirroring: Mirroring

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.post, "requests", ask)
        group.answer(.get, "requests") { request in
            try await requireSysadmin(request)
            let state = try request.query.filledText("state").map { text in
                guard let state = MirrorState(rawValue: text.uppercased()) else {
                    throw RequestError.badRequest(
                        "state", "\"state\" is none of PENDING, ACCEPTED and REJECTED.")
                }
                return state
            }
            let all = try await mirroring.registry.list(state)
            return try .page(request.page().slice(all)) { $0.requestShape }
        }
        group.answer(.get, "requests/:requestId") { request in
            try await requireSysadmin(request)
            return try .json(try await mirroring.registry.request(request.requestID()).requestShape)
        }
        group.answer(.delete, "requests/:requestId") { request in
            try await requireSysadmin(request)
            try await mirroring.registry.removeRequest(request.requestID())
            return .noContent
        }
        for (word, decision) in [("accept", MirrorState.accepted), ("reject", .rejected)] {
            group.answer(.post, RouterPath("requests/:requestId/\(word)")) { request in
                try await requireSysadmin(request)
                let mode = try request.query.filledText("mode").map(MirrorModeText.read)
                let server = try await mirroring.registry.decide(
                    request.requestID(), decision, mode: mode)
                return try .json(server.serverShape)
            }
        }
    }

    /// Anybody may ask, but only in the name of the key that signed.
    private func ask(_ request: RESTRequest) async throws -> Answer {
        guard mirroring.follower == nil else {
            throw RequestError(
                .conflict, "This server is a mirror itself. Give plugin.mirroring.upstream.url of a primary.")
        }
        let (token, digest, bytes) = try await Mirroring.read(request)
        let body = BodyFields(try Mirroring.json(bytes).mapValue ?? [:])
        let key = try body.requiredText("publicKey")
        guard let publicKey = [UInt8](base64URLText: key) else {
            throw RequestError.badRequest("publicKey", "\"publicKey\" is not base64url.")
        }
        let properties = MirrorProperties(
            name: try body.requiredText("mirrorName"),
            baseURL: try withoutSlash(body.requiredText("mirrorBaseUrl")),
            type: try body.text("mirrorType") ?? "FARM", version: try body.requiredText("productVersion"),
            publicKey: publicKey, sshKey: try body.text("sshKey"))
        _ = try await mirroring.gate.check(token: token, digest, publicKey: publicKey)
        let server = try await mirroring.registry.register(properties)
        guard case .map(var shape) = server.requestShape else { return .noContent }
        shape["serverTime"] = .integer(Int64(Date().timeIntervalSince1970 * 1000))
        if server.state == .accepted {
            let upstream = try await mirroring.upstreamIdentity()
            shape["upstream"] = [
                "id": .string(upstream.id), "publicKey": .string(upstream.publicKeyText),
            ]
        }
        return try .json(.map(shape))
    }

    private func withoutSlash(_ url: String) -> String { url.hasSuffix("/") ? String(url.dropLast()) : url }

    private func requireSysadmin(_ request: RESTRequest) async throws {
        try await hosting.permissions.require(.sysAdmin, request.principal)
    }
}

/// A mode as clients write it.
enum MirrorModeText {
    static func read(_ text: String) throws -> MirrorMode {
        guard let mode = MirrorMode(rawValue: text.uppercased()) else {
            throw RequestError.badRequest(
                "mode", "\"\(Excerpt.of(text))\" is no mode. Use ALL_PROJECTS or SELECTED_PROJECTS.")
        }
        return mode
    }
}

extension RESTRequest {
    /// The number of a request in the path.
    func requestID() throws -> Int64 {
        guard let id = Int64(try path("requestId")) else {
            throw RequestError(.conflict, "The id of a mirroring request is a number.")
        }
        return id
    }

    /// The mirror in the path.
    func mirrorID() throws -> MirrorID {
        let text = try path("mirrorId")
        guard let id = MirrorID(text) else {
            throw RequestError.notFound("No mirror has the id \(Excerpt.of(text)).")
        }
        return id
    }
}

extension PageRequest {
    /// The page of a list that is there as a whole.
    func slice<Value: Sendable>(_ all: [Value]) -> Page<Value> {
        Page(overfetched: Array(all.dropFirst(start).prefix(limit + 1)), request: self)
    }
}
