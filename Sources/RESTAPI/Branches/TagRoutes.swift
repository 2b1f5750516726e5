import GitStore
import HTTPServing
import Hosting
import Hummingbird

/// `.../tags`: list, one, create. A tag's name may hold slashes.
struct TagRoutes {
    let hosting: Hosting

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, RouterPath(ResourcePath.repository + "/tags"), list)
        group.answer(.get, RouterPath(ResourcePath.repository + "/tags/**")) { request in
            let repository = try await request.repository(of: hosting)
            return try .json(try await hosting.refs.tag(request.rest("name"), in: repository).portable())
        }
        group.answer(.post, RouterPath(ResourcePath.repository + "/tags"), create)
    }

    private func list(_ request: RESTRequest) async throws -> Answer {
        let repository = try await request.repository(of: hosting)
        let order = try request.query.choice("orderBy", of: RefOrderName.self)?.order
        let page = try await hosting.refs.tags(
            in: repository, filter: request.query.filledText("filterText"), order: order ?? .alphabetical,
            page: request.page())
        return try .page(page) { $0.portable() }
    }

    private func create(_ request: RESTRequest) async throws -> Answer {
        let body = try await request.body()
        let repository = try await request.repository(of: hosting)
        let tag = try await hosting.refs.createTag(
            in: repository, name: body.requiredText("name"), startPoint: body.requiredText("startPoint"),
            message: body.text("message"), by: request.principal)
        return try .json(tag.portable())
    }
}

/// `/rest/git/...`: where the original deletes tags.
struct TagDeletionRoutes {
    let hosting: Hosting

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.delete, RouterPath(ResourcePath.repository + "/tags/**")) { request in
            let repository = try await request.repository(of: hosting)
            try await hosting.refs.deleteTag(
                in: repository, name: request.rest("name"), by: request.principal)
            return .noContent
        }
    }
}
