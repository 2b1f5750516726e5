import HTTPServing
import Hosting
import Hummingbird
import Mirroring
import Portable

/// `/rest/mirroring/.../mirrorServers`: mirrors that were accepted.
/// - Source: Bitbucket Server's REST API, Mirroring; `mode`, `projects` and `nodes` are Perigee's own.
struct MirrorServerRoutes {
    let hosting: Hosting
    let mirroring: Mirroring

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "mirrorServers") { request in
            try await hosting.permissions.require(.licensedUser, request.principal)
            let all = try await mirroring.registry.list(.accepted)
            return try .page(request.page().slice(all)) { $0.serverShape }
        }
        let server = "mirrorServers/:mirrorId"
        group.answer(.get, RouterPath(server)) { request in
            try await hosting.permissions.require(.licensedUser, request.principal)
            return try .json(try await mirroring.registry.server(request.mirrorID()).serverShape)
        }
        group.answer(.put, RouterPath(server), update)
        group.answer(.delete, RouterPath(server)) { request in
            try await hosting.permissions.require(.sysAdmin, request.principal)
            try await mirroring.registry.remove(request.mirrorID())
            return .noContent
        }
        group.answer(.get, RouterPath(server + "/nodes")) { request in
            try await hosting.permissions.require(.admin, request.principal)
            let id = try request.mirrorID()
            _ = try await mirroring.registry.server(id)
            return try .json(.list(try await mirroring.links.nodes(of: id).map(\.portable)))
        }
        group.answer(.post, RouterPath(server + "/events"), event)
    }

    /// The mirror itself, or an administrator, says where it is.
    private func update(_ request: RESTRequest) async throws -> Answer {
        let id = try request.mirrorID()
        let body: BodyFields
        if Mirroring.token(of: request.request) != nil {
            body = BodyFields(try await mirroring.admit(request, as: id).body.mapValue ?? [:])
        } else {
            try await hosting.permissions.require(.sysAdmin, request.principal)
            body = try await request.body()
        }
        let server = try await mirroring.registry.update(
            id, baseURL: body.text("baseUrl"), version: body.text("productVersion"))
        return try .json(server.serverShape)
    }

    /// What a mirror tells of a repository when it is not asked: for mirrors that do not keep a link.
    private func event(_ request: RESTRequest) async throws -> Answer {
        let server = try await mirroring.registry.server(request.mirrorID())
        let body = BodyFields(try await mirroring.admit(request, as: server.id).body.mapValue ?? [:])
        let kind = try body.requiredText("type")
        let text = try body.requiredText("upstreamRepoId")
        guard let number = Int64(text) else {
            throw RequestError.notFound("No repository has the id \(Excerpt.of(text)).")
        }
        let repository = try await mirroring.catalogue.repository(RepositoryID(number), for: server)
        switch kind {
        case "SYNCHRONIZED":
            try await hosting.repositories.announceSynchronized(
                repository.id, mirror: server.id.rawValue, named: server.properties.name, changes: nil)
        case "SYNCHRONIZATION_FAILED": break
        default:
            throw RequestError.badRequest(
                "type", "\"type\" is neither SYNCHRONIZED nor SYNCHRONIZATION_FAILED.")
        }
        return .noContent
    }
}
