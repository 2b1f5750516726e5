import Portable
import Testing

@testable import Hosting
@testable import Mirroring

/// In which portions a mirror takes over what its upstream has.
@Suite struct CatalogueBatchTests {
    private static let project = Project(
        id: 1, key: "PRJ", name: "Project", description: nil, isPublic: false, kind: .normal, owner: nil,
        createdMilliseconds: 0)

    private static func entry(_ id: Int64, slug: String? = nil) -> CatalogueEntry {
        let project = MirroredProject(Self.project)
        return CatalogueEntry(
            MirroredRepository(
                id: RepositoryID(id), project: project.id, slug: slug ?? "r\(id)", name: slug ?? "r\(id)",
                description: nil, isPublic: false, isForkable: true, isArchived: false, hierarchyID: "h",
                createdMilliseconds: 0, defaultBranch: "refs/heads/main"), of: project, content: "")
    }

    private static func local(_ id: Int64) -> Repository {
        Repository(
            id: RepositoryID(id), slug: "r\(id)", name: "r\(id)", description: nil, project: project,
            isPublic: false, isForkable: true, isArchived: false, state: .available, hierarchyID: "h",
            createdMilliseconds: 0)
    }

    @Test func `new ones come in portions, each once`() {
        #expect(CatalogueEntry.batches([], local: []).isEmpty)
        let entries = (1...Int64(CatalogueEntry.batchMax * 2 + 1)).map { Self.entry($0) }
        let batches = CatalogueEntry.batches(entries, local: [])
        #expect(batches.map(\.count) == [CatalogueEntry.batchMax, CatalogueEntry.batchMax, 1])
        #expect(batches.flatMap { $0 } == entries)
    }

    @Test func `those that change places do so at the same moment, before the others`() {
        let count = Int64(CatalogueEntry.batchMax) * 2
        let local = (1...count).map { Self.local($0) }
        // Each has the name that the next one had.
        var entries = (1...count).map { Self.entry($0, slug: "r\($0 % count + 1)") }
        entries += (count + 1...count * 2).map { Self.entry($0) }
        let batches = CatalogueEntry.batches(entries.reversed(), local: local)
        #expect(Set(batches[0].map(\.repository.id)) == Set(local.map(\.id)))
        #expect(batches.dropFirst().allSatisfy { $0.count <= CatalogueEntry.batchMax })
        #expect(batches.map(\.count).reduce(0, +) == entries.count)
    }
}
