package import GitStore
package import Hosting
package import Portable

/// What an upstream tells its mirrors of its projects and repositories.
package struct UpstreamCatalogue: Sendable {
    let hosting: Hosting
    let registry: MirrorRegistry

    /// How many repositories are looked at side by side.
    private static let width = 4

    /// Everything that a mirror is to have.
    /// - Parameter repository: Only this one; the catalogue is empty when the mirror is not to have it.
    package func catalogue(
        for mirror: MirrorServer, repository: RepositoryID? = nil
    ) async throws -> Catalogue {
        let repositories = try await repositories(of: mirror, only: repository)
        let entries = try await withThrowingTaskGroup(of: [CatalogueEntry].self) { group in
            let share = max(1, (repositories.count + Self.width - 1) / Self.width)
            var start = 0
            while start < repositories.count {
                let part = repositories[start..<min(start + share, repositories.count)]
                group.addTask { await part.asyncMap { await entry($0) } }
                start += share
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let projects = Dictionary(repositories.map { ($0.project.id, MirroredProject($0.project)) }) {
            first, _ in
            first
        }
        return Catalogue(
            projects: projects.values.sorted { $0.id < $1.id },
            entries: entries.sorted { $0.repository.id < $1.repository.id })
    }

    /// A repository that a mirror may have.
    /// - Throws: ``HostingError/noSuchRepository(project:slug:)`` when it may not, or there is none.
    package func repository(_ id: RepositoryID, for mirror: MirrorServer) async throws -> Repository {
        guard let repository = try await hosting.repositories.get(id),
            try await has(mirror, project: repository.project.id)
        else { throw HostingError.noSuchRepository(project: "id", slug: "\(id)") }
        return repository
    }

    /// Whether a project belongs to what a mirror is to have.
    package func has(_ mirror: MirrorServer, project: ProjectID) async throws -> Bool {
        if mirror.mode == .allProjects { return true }
        return try await registry.projects(of: mirror.id).contains(project)
    }

    /// The refs of a repository that a mirror may have.
    /// - Throws: ``HostingError``.
    package func refs(
        of repository: Repository, pullRequests: Bool
    ) async throws -> GitStore.MirroredRefs {
        do {
            return try await hosting.git.mirroredRefs(
                in: hosting.layout.repository(repository.id), pullRequests: pullRequests)
        } catch let error as GitStoreError {
            throw HostingError.unavailable(reason: "\(error)")
        }
    }

    func repositories(
        of mirror: MirrorServer, only id: RepositoryID?
    ) async throws -> [Repository] {
        if let id {
            guard let repository = try await hosting.repositories.get(id), repository.state == .available,
                try await has(mirror, project: repository.project.id)
            else { return [] }
            return [repository]
        }
        guard mirror.mode == .selectedProjects else { return try await hosting.repositories.all() }
        return try await hosting.repositories.all(in: Set(try await registry.projects(of: mirror.id)))
    }

    private func entry(_ repository: Repository) async -> CatalogueEntry {
        let path = hosting.layout.repository(repository.id)
        var branch = "refs/heads/\(hosting.settings.defaultBranch)"
        if case .branch(let name, _)? = try? await hosting.git.head(in: path) { branch = name.full }
        let content = (try? await hosting.git.mirrorDigest(in: path)) ?? ""
        return CatalogueEntry(
            MirroredRepository(repository, defaultBranch: branch), of: MirroredProject(repository.project),
            content: content)
    }
}

extension Sequence where Element: Sendable {
    /// One after the other.
    fileprivate func asyncMap<Value>(_ body: (Element) async -> Value) async -> [Value] {
        var values: [Value] = []
        for element in self { values.append(await body(element)) }
        return values
    }
}
