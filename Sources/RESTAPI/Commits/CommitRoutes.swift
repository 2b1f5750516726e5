import GitStore
import HTTPServing
import Hosting
import Hummingbird

/// `.../commits` and `.../commits/{id}`.
struct CommitRoutes {
    let hosting: Hosting

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, RouterPath(ResourcePath.repository + "/commits"), list)
        group.answer(.get, RouterPath(ResourcePath.repository + "/commits/:commitId")) { request in
            let repository = try await request.repository(of: hosting)
            let revision = try request.path("commitId", allowingSlash: true)
            return try .json(try await hosting.contents.commit(revision, in: repository).portable())
        }
    }

    private func list(_ request: RESTRequest) async throws -> Answer {
        let repository = try await request.repository(of: hosting)
        let query = request.query
        let page = try request.page()
        let ignoresMissing = try query.flag("ignoreMissing") ?? false
        let merges = try query.choice("merges", of: MergesChoice.self) ?? .include
        do {
            let commits = try await hosting.contents.commits(
                in: repository, until: query.filledText("until"), since: query.filledText("since"),
                path: query.filledText("path"), merges: merges.merges, page: page)
            return try .page(commits) { $0.portable() }
        } catch HostingError.noSuchCommit where ignoresMissing {
            return try .page(Page<CommitRecord>(of: [], request: page)) { $0.portable() }
        }
    }
}

/// Values of the query parameter `merges`.
private enum MergesChoice: String, CaseIterable {
    case include = "INCLUDE"
    case exclude = "EXCLUDE"
    case only = "ONLY"

    var merges: CommitQuery.Merges {
        switch self {
        case .include: .include
        case .exclude: .exclude
        case .only: .only
        }
    }
}
