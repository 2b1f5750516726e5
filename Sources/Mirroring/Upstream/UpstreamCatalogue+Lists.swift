internal import GitStore
package import Hosting
package import Portable

/// What is asked of the catalogue piece by piece.
extension UpstreamCatalogue {
    /// The repositories of a mirror, by project and id.
    /// - Parameter project: Only those of this one.
    package func list(of mirror: MirrorServer, in project: ProjectID? = nil) async throws -> [Repository] {
        let all = try await repositories(of: mirror, only: nil)
        return project.map { project in all.filter { $0.project.id == project } } ?? all
    }

    /// A repository with its hashes.
    package func described(_ repository: Repository) async -> CatalogueEntry {
        let path = hosting.layout.repository(repository.id)
        var branch = "refs/heads/\(hosting.settings.defaultBranch)"
        if case .branch(let name, _)? = try? await hosting.git.head(in: path) { branch = name.full }
        let content = (try? await hosting.git.mirrorDigest(in: path)) ?? ""
        return CatalogueEntry(
            MirroredRepository(repository, defaultBranch: branch), of: MirroredProject(repository.project),
            content: content)
    }

    /// The repositories that go from a mirror's disks when it has something else from now on.
    package func removed(from old: MirrorSelection, to new: MirrorSelection) async throws -> [Repository] {
        guard old != new, new.mode == .selectedProjects else { return [] }
        let had = try await hosting.repositories.all(in: old.mode == .allProjects ? nil : old.projects)
        return had.filter { !new.has($0.project.id) }
    }
}
