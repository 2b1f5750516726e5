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
        group.answer(.get, RouterPath(server + "/syncSettings")) { request in
            try await hosting.permissions.require(.admin, request.principal)
            return try await settings(of: request.mirrorID())
        }
        group.answer(.put, RouterPath(server + "/syncSettings")) { request in
            try await hosting.permissions.require(.sysAdmin, request.principal)
            let id = try request.mirrorID()
            let body = try await request.body()
            if let projects = try body.texts("projectIds") {
                try await mirroring.registry.choose(projects.map(projectID), replacing: true, of: id)
            }
            if let mode = try body.text("mode") {
                try await mirroring.registry.setMode(MirrorModeText.read(mode), of: id)
            }
            return try await settings(of: id)
        }
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

    private func settings(of id: MirrorID) async throws -> Answer {
        let server = try await mirroring.registry.server(id)
        let projects = try await mirroring.registry.projects(of: id)
        return try .json([
            "mode": .string(server.mode.rawValue),
            "projectIds": .list(projects.map { .string("\($0)") }),
        ])
    }

    private func projectID(_ text: String) throws -> ProjectID {
        guard let number = Int64(text) else {
            throw RequestError.badRequest(
                "projectIds", "\"\(Excerpt.of(text))\" is not the id of a project. Give its number.")
        }
        return ProjectID(number)
    }
}
