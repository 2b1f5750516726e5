import HTTPServing
import HTTPTypes
import Hosting
import Hummingbird
import Mirroring
import Portable

/// `mirrorServers/{id}/syncSettings`: which projects a mirror has. Perigee's own on the upstream, where it is
/// decided; mirrors pass the original's `syncSettings` on to here.
///
/// A change by which copies would go from the mirror's disks is refused with what would go, until it is
/// asked for with `confirm=true`; with `dryRun=true` it is only said.
struct MirrorSettingsRoutes {
    let hosting: Hosting
    let mirroring: Mirroring

    func add(to group: RouterGroup<ServingContext>) {
        let settings = "mirrorServers/:mirrorId/syncSettings"
        group.answer(.get, RouterPath(settings)) { try await .json(read($0).shape) }
        group.answer(.put, RouterPath(settings)) { request in
            try await change(request) { selection, body in
                let body = BodyFields(body.mapValue ?? [:])
                if let projects = try body.texts("projectIds") {
                    selection.projects = Set(try projects.map(projectID))
                }
                if let mode = try body.text("mode") { selection.mode = try MirrorModeText.read(mode) }
            }
        }
        group.answer(.get, RouterPath(settings + "/mode")) { request in
            try await .json(.string(read(request).mode.rawValue))
        }
        group.answer(.put, RouterPath(settings + "/mode")) { request in
            try await change(request, shape: { .string($0.mode.rawValue) }) { selection, body in
                selection.mode = try MirrorModeText.read(body.stringValue ?? "")
            }
        }
        group.answer(.get, RouterPath(settings + "/projects")) { try await .json(read($0).projectShape) }
        group.answer(.post, RouterPath(settings + "/projects")) { request in
            try await change(request, shape: \.projectShape) { selection, body in
                guard let ids = body.listValue else {
                    throw RequestError.badRequest(nil, "The body is no list. Send a list of projects' ids.")
                }
                selection.projects.formUnion(try ids.map { try projectID($0.stringValue ?? "\($0)") })
            }
        }
        let project = settings + "/projects/:projectId"
        group.answer(.post, RouterPath(project)) { request in
            let id = try projectID(request.path("projectId"))
            return try await change(request, shape: \.projectShape) { selection, _ in
                selection.projects.insert(id)
            }
        }
        group.answer(.delete, RouterPath(project)) { request in
            let id = try projectID(request.path("projectId"))
            return try await change(request, shape: { _ in .null }) { selection, _ in
                selection.projects.remove(id)
            }
        }
    }

    private func read(_ request: RESTRequest) async throws -> MirrorSelection {
        let id = try request.mirrorID()
        if Mirroring.token(of: request.request) != nil {
            _ = try await mirroring.admit(request, as: id)
        } else {
            try await hosting.permissions.require(.admin, request.principal)
        }
        return try await mirroring.registry.selection(of: id)
    }

    /// - Parameter shape: What is answered; null stands for 204.
    private func change(
        _ request: RESTRequest, shape: (MirrorSelection) -> PortableValue = \.shape,
        _ edit: (inout MirrorSelection, PortableValue) throws -> Void
    ) async throws -> Answer {
        try await hosting.permissions.require(.sysAdmin, request.principal)
        let id = try request.mirrorID()
        let old = try await mirroring.registry.selection(of: id)
        var new = old
        try edit(&new, try await request.request.jsonBody())
        let removed = try await mirroring.catalogue.removed(from: old, to: new)
        if try request.query.flag("dryRun") ?? false {
            guard case .map(var fields) = new.shape else { return .noContent }
            fields["removed"] = Removal(removed).shape
            return try .json(.map(fields))
        }
        if !removed.isEmpty, try request.query.flag("confirm") != true {
            throw RequestError(.conflict, Removal(removed).sentence, field: "confirm")
        }
        try await mirroring.registry.select(new, of: id)
        let answer = shape(try await mirroring.registry.selection(of: id))
        return answer.isNull ? .noContent : try .json(answer)
    }

    private func projectID(_ text: String) throws -> ProjectID {
        guard let number = Int64(text) else {
            throw RequestError.badRequest(
                "projectIds", "\"\(Excerpt.of(text))\" is not the id of a project. Give its number.")
        }
        return ProjectID(number)
    }
}

/// The repositories that a change takes from a mirror.
struct Removal {
    private let repositories: [Repository]
    private static let shownMax = 1_000
    private static let namedMax = 10

    init(_ repositories: [Repository]) { self.repositories = repositories }

    var shape: PortableValue {
        [
            "count": .integer(Int64(repositories.count)),
            "repositories": .list(
                repositories.prefix(Self.shownMax).map {
                    [
                        "id": .integer($0.id.rawValue), "slug": .string($0.slug),
                        "project": ["id": .integer($0.project.id.rawValue), "key": .string($0.project.key)],
                    ]
                }),
        ]
    }

    var sentence: String {
        let names = repositories.prefix(Self.namedMax).map { "\($0.project.key)/\($0.slug)" }
        let more = repositories.count - names.count
        let list = names.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
        return "The mirror's copies of \(repositories.count) "
            + "\(repositories.count == 1 ? "repository" : "repositories") would be removed from its disks: "
            + "\(list). Ask again with confirm=true to have them removed."
    }
}

extension MirrorSelection {
    /// `RestUpstreamSettings`.
    fileprivate var shape: PortableValue { ["mode": .string(mode.rawValue), "projectIds": projectShape] }
    fileprivate var projectShape: PortableValue { .list(projects.sorted().map { .string("\($0)") }) }
}
