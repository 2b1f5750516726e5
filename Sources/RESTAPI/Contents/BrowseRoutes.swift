import GitStore
import HTTPServing
import Hosting
import Hummingbird
import Portable

/// `.../browse/{path}`: a folder's entries, or a file's lines.
struct BrowseRoutes {
    /// How many entries or lines an answer holds unless asked otherwise.
    private static let limitDefault = 500
    /// How many it holds at most: clients of the original read files of up to 20,000 lines in one answer.
    private static let limitMax = 20_000

    let hosting: Hosting

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, RouterPath(ResourcePath.repository + "/browse"), browse)
        group.answer(.get, RouterPath(ResourcePath.repository + "/browse/**"), browse)
    }

    private func browse(_ request: RESTRequest) async throws -> Answer {
        let repository = try await request.repository(of: hosting)
        let path = try request.rest("path")
        let revision = request.query.filledText("at")
        if try request.query.flag("type") ?? false {
            let entry = try await hosting.contents.entry(path, at: revision, in: repository)
            return try .json(["type": .string(entry.kind.wireName)])
        }
        if try request.query.flag("noContent") ?? false {
            let entry = try await hosting.contents.entry(path, at: revision, in: repository)
            if entry.kind == .file {
                return try .json(Self.lines(Page(values: [], start: 0, limit: 1, nextStart: nil)))
            }
        }
        let page = try request.page(limit: Self.limitDefault, max: Self.limitMax)
        return try .json(
            Self.shape(try await hosting.contents.browse(path, at: revision, in: repository, page: page)))
    }

    private static func shape(_ content: BrowsedContent) -> PortableValue {
        switch content {
        case .directory(let path, let revision, let entries):
            [
                "path": FilePathShape.portable(path), "revision": .string(revision),
                "children": .map(Answer.pageFields(entries, shape: child)),
            ]
        case .text(let lines, _): Self.lines(lines)
        case .binary(let size): ["binary": true, "size": .integer(size)]
        case .submodule(let id): ["type": "SUBMODULE", "contentId": .string(id.hex)]
        }
    }

    private static func lines(_ page: Page<String>) -> PortableValue {
        var fields = Answer.pageFields(page) { ["text": .string($0)] }
        fields["lines"] = fields.removeValue(forKey: "values")
        return .map(fields)
    }

    private static func child(_ entry: TreeEntry) -> PortableValue {
        var fields: [String: PortableValue] = [
            "path": FilePathShape.portable(entry.name), "contentId": .string(entry.id.hex),
            "type": .string(entry.kind.wireName),
        ]
        if let size = entry.size { fields["size"] = .integer(size) }
        return .map(fields)
    }
}

extension TreeEntry.Kind {
    /// The original's name of the kind.
    fileprivate var wireName: String {
        switch self {
        case .file: "FILE"
        case .directory: "DIRECTORY"
        case .submodule: "SUBMODULE"
        }
    }
}
