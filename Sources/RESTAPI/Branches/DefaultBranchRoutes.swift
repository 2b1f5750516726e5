import HTTPServing
import Hosting
import Hummingbird
import Portable

/// `.../branches/default`, and `.../default-branch` of newer clients.
struct DefaultBranchRoutes {
    let hosting: Hosting

    func add(to group: RouterGroup<ServingContext>) {
        for name in ["/branches/default", "/default-branch"] {
            group.answer(.get, RouterPath(ResourcePath.repository + name), show)
            group.answer(.put, RouterPath(ResourcePath.repository + name), change)
        }
    }

    /// 200 with the branch, 204 for an empty repository, 404 when the branch that is set does not exist.
    private func show(_ request: RESTRequest) async throws -> Answer {
        let repository = try await request.repository(of: hosting)
        switch try await hosting.refs.defaultBranch(of: repository) {
        case .branch(let branch): return try .json(branch.portable())
        case .missing(_, repositoryIsEmpty: true): return .noContent
        case .missing(let name, repositoryIsEmpty: false):
            throw HostingError.noDefaultBranch(name: name.display)
        }
    }

    private func change(_ request: RESTRequest) async throws -> Answer {
        let body = try await request.body()
        let repository = try await request.repository(of: hosting)
        try await hosting.refs.setDefaultBranch(
            of: repository, to: body.requiredText("id"), by: request.principal)
        return .noContent
    }
}
