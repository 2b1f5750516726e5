import HTTPServing
import Hosting
import Hummingbird
import Portable

/// `.../files/{path}`: every file below a folder, as a page of paths.
struct FileListRoutes {
    private static let limitMax = 10_000

    let hosting: Hosting

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, RouterPath(ResourcePath.repository + "/files"), list)
        group.answer(.get, RouterPath(ResourcePath.repository + "/files/**"), list)
    }

    private func list(_ request: RESTRequest) async throws -> Answer {
        let repository = try await request.repository(of: hosting)
        let page = try await hosting.contents.files(
            request.rest("path"), at: request.query.filledText("at"), in: repository,
            page: request.page(max: Self.limitMax))
        return try .page(page) { .string($0) }
    }
}
