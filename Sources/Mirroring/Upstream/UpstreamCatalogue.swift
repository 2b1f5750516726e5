package import GitStore
package import Hosting
package import Portable

/// What an upstream tells its mirrors of its projects and repositories.
package struct UpstreamCatalogue: Sendable {
    let hosting: Hosting
    let registry: MirrorRegistry
    /// Whether mirrors compare the refs of pull requests, too.
    package let followsPulls: Bool

    /// Everything that a mirror is to have.
    /// - Parameter repository: Only this one; the catalogue is empty when the mirror is not to have it.
    package func catalogue(
        for mirror: MirrorServer, repository: RepositoryID? = nil
    ) async throws -> Catalogue {
        let date = try await registry.now()
        let repositories = try await repositories(of: mirror, only: repository)
        let digests = await hosting.git.refDigests(
            of: repositories.map { hosting.layout.repository($0.id) })
        let entries = zip(repositories, digests).map(entry)
        let projects = Dictionary(repositories.map { ($0.project.id, MirroredProject($0.project)) }) {
            first, _ in
            first
        }
        return Catalogue(
            projects: projects.values.sorted { $0.id < $1.id },
            entries: entries.sorted { $0.repository.id < $1.repository.id }, date: date)
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

    private func entry(_ repository: Repository, _ digests: GitStore.RefDigests?) -> CatalogueEntry {
        let branch = digests?.branch ?? "refs/heads/\(hosting.settings.defaultBranch)"
        return CatalogueEntry(
            MirroredRepository(repository, defaultBranch: branch), of: MirroredProject(repository.project),
            content: digests?.content ?? "", pulls: followsPulls ? digests?.pulls : nil)
    }
}
