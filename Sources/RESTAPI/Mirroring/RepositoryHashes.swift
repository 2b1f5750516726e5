import HTTPTypes
import Hosting
import Hummingbird
import NIOCore
import Portable

/// `repo-hashes`: `{"projects":[{"id","public","repositories":[{"id","hashes":{...}}]}]}`, written as it is
/// looked up.
/// - Source: Atlassian, "Monitoring your mirror farm".
enum RepositoryHashes {
    /// - Parameter repositories: By project.
    /// - Parameter look: The hashes of one; those that were not asked for are nil.
    static func answer(
        _ repositories: [Repository],
        look: @escaping @Sendable (Repository) async -> (content: String?, metadata: String?)
    ) -> Answer {
        let body = ResponseBody { writer in
            var project: ProjectID?
            var text = #"{"projects":["#
            for repository in repositories {
                if repository.project.id == project {
                    text += ","
                } else {
                    text += project == nil ? "" : "]},"
                    text += #"{"id":\#(repository.project.id),"public":\#(repository.project.isPublic),"#
                    text += #""repositories":["#
                    project = repository.project.id
                }
                text += try shape(repository, await look(repository))
                guard text.utf8.count > 16_384 else { continue }
                try await writer.write(ByteBuffer(string: text))
                text = ""
            }
            text += project == nil ? "]}" : "]}]}"
            try await writer.write(ByteBuffer(string: text))
            try await writer.finish(nil)
        }
        return Answer(status: .ok, headers: [.contentType: "application/json;charset=UTF-8"], body: body)
    }

    private static func shape(
        _ repository: Repository, _ hashes: (content: String?, metadata: String?)
    ) throws -> String {
        var fields: [String: PortableValue] = [:]
        if let content = hashes.content { fields["content"] = .string(content) }
        if let metadata = hashes.metadata { fields["metadata"] = .string(metadata) }
        return try JSON.text(["id": .integer(repository.id.rawValue), "hashes": .map(fields)])
    }
}
