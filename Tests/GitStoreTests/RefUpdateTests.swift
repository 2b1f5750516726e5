import Foundation
import GitStore
import NodeTestKit
import Portable
import Testing

@Suite struct RefUpdateTests {
    private func prepared() async throws -> (fixture: Fixture, old: ObjectID, new: ObjectID) {
        let fixture = try await Fixture()
        try await fixture.pushCommits(2)
        return (fixture, try await fixture.id("main~1"), try await fixture.id("main"))
    }

    @Test func refsAreMadeMovedAndDeletedInOneTransaction() async throws {
        let (fixture, old, new) = try await prepared()
        try await fixture.store.updateRefs(
            [
                RefUpdate(name: try .branch("a/b"), old: .zero, new: new),
                RefUpdate(name: try .tag("v1"), old: .zero, new: old),
            ], in: fixture.path)
        try await fixture.git.succeed("pack-refs", "--all", in: fixture.path)
        try await fixture.store.updateRefs(
            [
                RefUpdate(name: try .branch("a/b"), old: new, new: old),
                RefUpdate(name: try .tag("v1"), old: old, new: .zero),
                RefUpdate(name: try .branch("c"), old: .zero, new: new),
                RefUpdate(name: try .branch("never"), old: .zero, new: .zero),
            ], in: fixture.path)
        let refs = try await fixture.git.refs(in: fixture.path)
        #expect(refs == "\(old) refs/heads/a/b\n\(new) refs/heads/c\n\(new) refs/heads/main")
        try await fixture.git.succeed("fsck", "--strict", in: fixture.path)
    }

    @Test func aRefThatMovedMeanwhileRefusesTheWholeTransactionAndIsNamed() async throws {
        let (fixture, old, new) = try await prepared()
        let main = try RefName.branch("main")
        await #expect(throws: GitStoreError.refConflict(name: main, expected: old, actual: new)) {
            try await fixture.store.updateRefs(
                [
                    RefUpdate(name: try .branch("fine"), old: .zero, new: new),
                    RefUpdate(name: main, old: old, new: new),
                ], in: fixture.path)
        }
        await #expect(throws: GitStoreError.refConflict(name: main, expected: .zero, actual: new)) {
            try await fixture.store.updateRefs(
                [RefUpdate(name: main, old: .zero, new: old)], in: fixture.path)
        }
        let gone = try RefName.branch("gone")
        await #expect(throws: GitStoreError.refConflict(name: gone, expected: new, actual: .zero)) {
            try await fixture.store.updateRefs(
                [RefUpdate(name: gone, old: new, new: .zero)], in: fixture.path)
        }
        #expect(try await fixture.git.refs(in: fixture.path) == "\(new) refs/heads/main")
    }

    @Test func aRefCannotLieBelowAnother() async throws {
        let (fixture, _, new) = try await prepared()
        let below = try RefName.branch("main/below")
        await #expect(throws: GitStoreError.refBlocked(name: below, by: "refs/heads/main")) {
            try await fixture.store.updateRefs(
                [RefUpdate(name: below, old: .zero, new: new)], in: fixture.path)
        }
        try await fixture.git.succeed("branch", "deep/er", "main", in: fixture.path)
        let above = try RefName.branch("deep")
        await #expect(throws: GitStoreError.refBlocked(name: above, by: "refs/heads/deep/er")) {
            try await fixture.store.updateRefs(
                [RefUpdate(name: above, old: .zero, new: new)], in: fixture.path)
        }
    }

    @Test func aBranchNeedsACommitThatIsThere() async throws {
        let (fixture, _, _) = try await prepared()
        let missing = try #require(ObjectID(String(repeating: "12", count: 20)))
        await #expect(throws: GitStoreError.noSuchObject(missing)) {
            try await fixture.store.updateRefs(
                [RefUpdate(name: try .branch("b"), old: .zero, new: missing)], in: fixture.path)
        }
        let tree = try await fixture.id("main^{tree}")
        await #expect(throws: GitStoreError.wrongType(tree, wanted: "commit")) {
            try await fixture.store.updateRefs(
                [RefUpdate(name: try .branch("b"), old: .zero, new: tree)], in: fixture.path)
        }
    }

    @Test func aRefThatAnotherWriterHoldsIsToldAsLocked() async throws {
        let (fixture, old, new) = try await prepared()
        let lock = fixture.path + "/refs/heads/main.lock"
        try Data().write(to: URL(fileURLWithPath: lock))
        await #expect(throws: GitStoreError.locked(path: fixture.path + "/refs/heads/main")) {
            try await fixture.store.updateRefs(
                [RefUpdate(name: try .branch("main"), old: new, new: old)], in: fixture.path)
        }
    }

    @Test func ofManyWritersAtOnceExactlyOneWinsFromEachOldValue() async throws {
        let (fixture, old, new) = try await prepared()
        let name = try RefName.branch("raced")
        try await fixture.store.updateRefs([RefUpdate(name: name, old: .zero, new: old)], in: fixture.path)
        let won = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (try? await fixture.store.updateRefs(
                        [RefUpdate(name: name, old: old, new: new)], in: fixture.path)) != nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(won == 1)
        #expect(try await fixture.store.ref(name, in: fixture.path)?.target == new)
    }

    @Test func manyRefsChangeAtOnce() async throws {
        let (fixture, _, new) = try await prepared()
        let changes = try (0..<300).map { RefUpdate(name: try .branch("many/\($0)"), old: .zero, new: new) }
        try await fixture.store.updateRefs(changes, in: fixture.path)
        #expect(try await fixture.store.refs(in: fixture.path, prefix: "refs/heads/many/").count == 300)
        let deletions = changes.map { RefUpdate(name: $0.name, old: new, new: .zero) }
        try await fixture.store.updateRefs(deletions, in: fixture.path)
        #expect(try await fixture.git.refs(in: fixture.path) == "\(new) refs/heads/main")
    }

    @Test func anAnnotatedTagIsWrittenAndThenNamed() async throws {
        let (fixture, old, _) = try await prepared()
        let tagger = Signature(
            name: "Ada", email: "ada@example.org", timestamp: 1_700_000_000_123, offsetMinutes: 60)
        let tag = try await fixture.store.createAnnotatedTag(
            name: "v1", target: old, message: "first\n\nbody", tagger: tagger, in: fixture.path)
        #expect(try await fixture.store.ref(try .tag("v1"), in: fixture.path) == nil)
        try await fixture.store.updateRefs(
            [RefUpdate(name: try .tag("v1"), old: .zero, new: tag)], in: fixture.path)
        let content = try await fixture.git.succeed("cat-file", "tag", "refs/tags/v1", in: fixture.path)
        #expect(
            content.contains(
                "object \(old)\ntype commit\ntag v1\ntagger Ada <ada@example.org> 1700000000 +0100"))
        #expect(content.hasSuffix("first\n\nbody"))
        #expect(try await fixture.store.ref(try .tag("v1"), in: fixture.path)?.peeled == old)
        try await fixture.git.succeed("fsck", "--strict", in: fixture.path)
    }

    @Test(arguments: ["", "-x", "a b", "../x", "a..b"])
    func aTagNeedsANameGitAccepts(name: String) async throws {
        let (fixture, old, _) = try await prepared()
        await #expect(throws: GitStoreError.invalidName(name)) {
            try await fixture.store.createAnnotatedTag(
                name: name, target: old, message: "x",
                tagger: Signature(name: "Ada", email: "a@b", timestamp: 0), in: fixture.path)
        }
    }

    @Test func syncingRefsThatAreGoneDoesNotMatter() async throws {
        let (fixture, _, _) = try await prepared()
        try await fixture.store.syncAfterPush(
            refs: [try .branch("gone/with/its/folders"), try .branch("main")], in: fixture.path)
    }
}
