import HTTPServing
import Hosting

/// The path of a repository below an API's group.
enum ResourcePath {
    static let project = "projects/:projectKey"
    static let repository = "projects/:projectKey/repos/:repositorySlug"
}

extension RESTRequest {
    /// The project that the path names, if the caller may see it.
    /// - Throws: ``HostingError/noSuchProject(key:)``.
    func project(of hosting: Hosting) async throws -> Project {
        try await hosting.projects.find(key: path("projectKey"), visibleTo: principal)
    }

    /// The repository that the path names, if the caller may read it.
    /// - Throws: ``HostingError/noSuchRepository(project:slug:)``, ``HostingError/noSuchProject(key:)``.
    func repository(of hosting: Hosting) async throws -> Repository {
        try await hosting.repositories.find(
            projectKey: path("projectKey"), slug: path("repositorySlug"), visibleTo: principal)
    }

    /// The repository that the path names, if the caller has `permission` there.
    func repository(of hosting: Hosting, requiring permission: Permission) async throws -> Repository {
        let repository = try await repository(of: hosting)
        try await hosting.permissions.require(permission, principal, repository: repository)
        return repository
    }

    /// The query parameter `permission`, `nil` when it is absent.
    /// - Throws: A 400 when it is no permission of one of the levels.
    func permission(_ name: String = "permission", levels: Set<PermissionLevel>) throws -> Permission? {
        guard let word = query.filledText(name) else { return nil }
        guard let permission = Permission(rawValue: word.uppercased()), levels.contains(permission.level)
        else {
            let words = Permission.allCases.filter { levels.contains($0.level) }.map(\.rawValue)
            throw RequestError.badRequest(
                name,
                "\"\(Excerpt.of(word))\" is no permission here. Use one of: \(words.joined(separator: ", "))."
            )
        }
        return permission
    }
}
