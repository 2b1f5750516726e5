import GitStore
import Hosting
import Portable
import Testing

/// A push that makes branches of a repository, taken step by step: it begins with the scene.
struct PushScene: Sendable {
    let home: TestHome
    let node: TestNode
    let repository: Repository
    let changes: [RefChange]
    let session: PushSession

    /// - Parameter starts: Whether the node is started: without it nothing is repaired, no event delivered.
    /// - Parameter branches: All at one new commit.
    init(node id: String = "node-1", starts: Bool = true, branches: [String] = ["main"]) async throws {
        home = try TestHome()
        node = try await home.node(id: id, starts: starts)
        repository = try await node.repository("tools", in: try await node.project("ONE"))
        let commit = try await node.commit("first", in: repository)
        changes = try branches.map { RefChange(ref: try .branch($0), from: .zero, to: commit) }
        session = node.hosting.pushes.begin(
            repository: repository, principal: .localOperator, transport: "http")
    }

    /// Git's report that every ref has moved.
    var report: PushReport {
        PushReport(lines: changes.map { .init(ref: $0.ref.full, outcome: .ok) })
    }

    /// The rows of the repository.
    func rows(_ node: TestNode? = nil) async throws -> [JournalEntry] {
        try await (node ?? self.node).hosting.journal.recent(in: repository.id, limit: 10)
    }

    /// Git asks, and is let through.
    func intend(location: SourceLocation = #_sourceLocation) async {
        let verdict = await session.preReceive(changes: changes, quarantine: nil, options: [])
        #expect(verdict == .accept, sourceLocation: location)
    }

    /// Git moves refs.
    /// - Parameter count: How many of the first ones; all by default.
    func moveRefs(_ count: Int = .max) async throws {
        try await node.moveRefs(Array(changes.prefix(count)), in: repository)
    }
}
