import ClusterServices
import ClusterTestKit
import GitStore
import Hosting
import Portable
import SharedDatabase
import Testing

/// Changes of refs under a lock's token.
@Suite struct RefFenceTests {
    @Test(arguments: TestEngine.allCases)
    func `a change with a smaller token than one before is refused, and moves nothing`(
        _ engine: TestEngine
    ) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let repository = try await node.repository("tools", in: try await node.project("ONE"))
        let first = try await node.seed(repository, files: ["README": "hello\n"])
        let second = try await node.commit("second", in: repository)
        let refs = node.hosting.refs
        let branch = try RefName.branch("x")

        func move(_ from: ObjectID, _ to: ObjectID, token: Int64, scope: String = "a.x") async throws {
            try await refs.update(
                [RefChange(ref: branch, from: from, to: to)], in: repository, trigger: .plugin,
                by: .localOperator,
                fences: [Refs.fence(branch, in: repository.id, scope: scope, token: token)])
        }
        try await move(.zero, first, token: 7)
        try await move(first, second, token: 9)
        await #expect(throws: LockError.self) { try await move(second, first, token: 8) }
        #expect(try await refs.branch("x", in: repository).latestCommit == second)
        // Tokens of others are of other locks.
        try await move(second, first, token: 1, scope: "a.y")
        try await move(first, .zero, token: 9)
        await #expect(throws: LockError.self) { try await move(.zero, first, token: 8) }
        let entries = try await node.hosting.journal.recent(in: repository.id, limit: 10)
        #expect(entries.count == 5 && !entries.contains { $0.state == .intended })

        try await node.hosting.repositories.delete(repository, by: .localOperator)
        let left = try await node.database.read { transaction in
            try transaction.firstRow("SELECT count(*) AS count FROM cluster_fence")?.integer("count")
        }
        #expect(left == 0)
    }
}
