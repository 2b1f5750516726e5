import GitStore
import HTTPServing
import Hosting
import Hummingbird
import Portable

/// `.../branches`: list and create.
struct BranchRoutes {
    /// Under which key `details=true` adds a branch's newest commit.
    /// - Source: Bitbucket Server, branch metadata of the REST API.
    private static let latestCommitKey =
        "com.atlassian.bitbucket.server.bitbucket-branch:latest-commit-metadata"

    let hosting: Hosting

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, RouterPath(ResourcePath.repository + "/branches"), list)
        group.answer(.post, RouterPath(ResourcePath.repository + "/branches")) { request in
            try .json(try await create(request).portable())
        }
    }

    /// Makes the branch that the body describes; also the answer of the older branch-utils API.
    func create(_ request: RESTRequest) async throws -> Branch {
        let body = try await request.body()
        let repository = try await request.repository(of: hosting)
        return try await hosting.refs.createBranch(
            in: repository, name: body.requiredText("name"), startPoint: body.requiredText("startPoint"),
            by: request.principal)
    }

    private func list(_ request: RESTRequest) async throws -> Answer {
        let repository = try await request.repository(of: hosting)
        if let base = request.query.filledText("base") {
            _ = try await hosting.contents.resolve(base, in: repository)
        }
        let order = try request.query.choice("orderBy", of: RefOrderName.self)?.order
        let page = try await hosting.refs.branches(
            in: repository, filter: request.query.filledText("filterText"), order: order ?? .alphabetical,
            page: request.page())
        guard try request.query.flag("details") ?? false else { return try .page(page) { $0.portable() } }
        var detailed: [PortableValue] = []
        for branch in page.values {
            detailed.append(try await details(of: branch, in: repository))
        }
        return try .page(
            Page(values: detailed, start: page.start, limit: page.limit, nextStart: page.nextStart)
        ) { $0 }
    }

    private func details(of branch: Branch, in repository: Repository) async throws -> PortableValue {
        guard var fields = branch.portable().mapValue else { return branch.portable() }
        let commit = try await hosting.contents.commit(branch.latestCommit.hex, in: repository)
        fields["metadata"] = .map([Self.latestCommitKey: commit.portable()])
        return .map(fields)
    }
}

/// Values of the query parameter `orderBy` of branches and tags.
enum RefOrderName: String, CaseIterable {
    case alphabetical = "ALPHABETICAL"
    case modification = "MODIFICATION"

    var order: RefOrder {
        switch self {
        case .alphabetical: .alphabetical
        case .modification: .modification
        }
    }
}
