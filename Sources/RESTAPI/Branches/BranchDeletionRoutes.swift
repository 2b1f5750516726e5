import HTTPServing
import Hosting
import Hummingbird
import Portable

/// `/rest/branch-utils/...`: a branch is deleted by DELETE with a body, as the original has it.
struct BranchDeletionRoutes {
    let hosting: Hosting

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.delete, RouterPath(ResourcePath.repository + "/branches"), delete)
        group.answer(.post, RouterPath(ResourcePath.repository + "/branches")) { request in
            let branch = try await BranchRoutes(hosting: hosting).create(request)
            return try .json(branch.portable(), status: .created)
        }
    }

    private func delete(_ request: RESTRequest) async throws -> Answer {
        let body = try await request.body()
        let repository = try await request.repository(of: hosting)
        var expected: ObjectID?
        if let endPoint = try body.text("endPoint"), !endPoint.isEmpty {
            guard let id = ObjectID(endPoint) else {
                throw RequestError.badRequest(
                    "endPoint",
                    "\"endPoint\" is \"\(Excerpt.of(endPoint))\". Give the branch's full commit id.")
            }
            expected = id
        }
        try await hosting.refs.deleteBranch(
            in: repository, name: body.requiredText("name"), expected: expected,
            dryRun: body.flag("dryRun") ?? false, by: request.principal)
        return .noContent
    }
}
