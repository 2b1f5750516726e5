import HTTPServing
import Hosting
import Hummingbird
import Portable

/// `projects/{key}/permissions/{permission}/all`: what every user of the server may in a project.
struct DefaultPermissionRoutes {
    private static let path = RouterPath(ResourcePath.project + "/permissions/:permission/all")

    let hosting: Hosting

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, Self.path) { request in
            let permitted = try await hosting.permissions.everybodyHas(
                permission(request), in: request.project(of: hosting), by: request.principal)
            return try .json(["permitted": .bool(permitted)])
        }
        group.answer(.post, Self.path) { request in
            guard let allow = try request.query.flag("allow") else {
                throw RequestError.badRequest(
                    "allow", "The query parameter \"allow\" is missing. Use true or false.")
            }
            try await hosting.permissions.setEverybody(
                permission(request), allow: allow, in: request.project(of: hosting), by: request.principal)
            return .noContent
        }
    }

    private func permission(_ request: RESTRequest) throws -> Permission {
        let word = try request.path("permission")
        guard let permission = Permission(rawValue: word.uppercased()), permission.level == .project else {
            let words = Permission.allCases.filter { $0.level == .project && $0.isGrantable }
                .map(\.rawValue).joined(separator: ", ")
            throw RequestError.badRequest(
                "permission",
                "\"\(Excerpt.of(word))\" is no project permission. Use one of: \(words)."
            )
        }
        return permission
    }
}
