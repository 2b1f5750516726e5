import Foundation
import GitStore
import NodeTestKit
import Portable
import Testing

@Suite struct RefReadingTests {
    @Test func refsAreListedInPagesByPrefixAndFilter() async throws {
        let fixture = try await Fixture()
        let work = try await fixture.pushCommits()
        for name in ["Alpha", "beta", "feature/alphabet", "gamma"] {
            try await fixture.git.succeed(
                "push", "--quiet", fixture.path, "main:refs/heads/\(name)", in: work)
        }
        try await fixture.git.succeed("push", "--quiet", fixture.path, "main:refs/tags/v1", in: work)
        try await fixture.git.succeed("push", "--quiet", fixture.path, "main:refs/perigee/x", in: work)
        let store = fixture.store
        func names(
            _ prefix: String, _ filter: String? = nil, _ offset: Int = 0, _ limit: Int = 100
        ) async throws
            -> [String]
        {
            try await store.refs(
                in: fixture.path, prefix: prefix, filter: filter, offset: offset, limit: limit
            )
            .map(\.name.full)
        }
        #expect(try await names("refs/").last == "refs/tags/v1")
        let heads = try await names("refs/heads/")
        #expect(heads.map { $0.dropFirst(11) } == ["Alpha", "beta", "feature/alphabet", "gamma", "main"])
        #expect(try await names("refs/heads/", nil, 1, 2) == Array(heads[1...2]))
        #expect(try await names("refs/heads/", nil, 9, 2) == [])
        #expect(try await names("refs/heads/", nil, -3, -1) == [])
        #expect(
            try await names("refs/heads/", "ALPHA") == ["refs/heads/Alpha", "refs/heads/feature/alphabet"])
        #expect(try await names("refs/perigee/") == ["refs/perigee/x"])
    }

    @Test func refsCanBeListedWithTheLatestCommitFirst() async throws {
        let fixture = try await Fixture()
        let path = fixture.git.directory.path("large.git")
        try await FastImport.makeRepository(at: path, commits: 30, branches: 20, git: fixture.git)
        let listed = try await fixture.store.refs(
            in: path, prefix: "refs/heads/", offset: 3, limit: 10, order: .modification)
        let expected = try await fixture.git.succeed(
            "for-each-ref", "--sort=refname", "--sort=-committerdate", "--format=%(refname)", "refs/heads/",
            in: path)
        #expect(listed.map(\.name.full) == expected.split(separator: "\n")[3..<13].map(String.init))
    }

    @Test func headNamesItsBranchBeforeAndAfterTheFirstPush() async throws {
        let fixture = try await Fixture()
        let main = try RefName.branch("main")
        #expect(try await fixture.store.head(in: fixture.path) == .branch(main, exists: false))
        try await fixture.pushCommits()
        #expect(try await fixture.store.head(in: fixture.path) == .branch(main, exists: true))
        let other = try RefName.branch("other")
        try await fixture.store.setHead(other, in: fixture.path)
        #expect(try await fixture.store.head(in: fixture.path) == .branch(other, exists: false))
        #expect(try await fixture.git.succeed("symbolic-ref", "HEAD", in: fixture.path) == other.full)
        #expect(!FileManager.default.fileExists(atPath: fixture.path + "/HEAD.lock"))
    }

    @Test func aHeadThatAnotherWriterHoldsIsToldAsLocked() async throws {
        let fixture = try await Fixture()
        try Data().write(to: URL(fileURLWithPath: fixture.path + "/HEAD.lock"))
        await #expect(throws: GitStoreError.locked(path: fixture.path + "/HEAD.lock")) {
            try await fixture.store.setHead(try .branch("other"), in: fixture.path)
        }
    }

    @Test func aTextIsResolvedAsHashBranchTagOrRefAndNeverAsAnExpression() async throws {
        let fixture = try await Fixture()
        let work = try await fixture.pushCommits(2)
        let commit = try await fixture.id("main")
        let first = try await fixture.id("main~1")
        try await fixture.git.succeed("tag", "-a", "-m", "one", "v1", "main~1", in: work)
        try await fixture.git.succeed("push", "--quiet", fixture.path, "--tags", in: work)
        // A branch and a tag that look like hashes, and a branch with the name of a tag.
        let short = String(first.hex.prefix(8))
        try await fixture.git.succeed("push", "--quiet", fixture.path, "main:refs/heads/\(short)", in: work)
        let store = fixture.store
        for text in ["main", "refs/heads/main", commit.hex, String(commit.hex.prefix(7)), "HEAD"] {
            #expect(try await store.resolve(text, in: fixture.path) == commit, "\(text)")
        }
        for text in [
            "v1", "refs/tags/v1", try await fixture.id("refs/tags/v1").hex, String(first.hex.prefix(9)),
        ] {
            #expect(try await store.resolve(text, in: fixture.path) == first, "\(text)")
        }
        #expect(try await store.resolve(short, in: fixture.path) == commit)
        let tree = try await fixture.id("main^{tree}")
        for text in [
            "main~1", "main^", "main:README.md", "@{0}", "main@{0}", "@", "", "--all", "-main", "abc",
            "../main",
            "heads/main", "nothing", String(repeating: "ab", count: 20), tree.hex, "ma*", "main\0",
        ] {
            #expect(try await store.resolve(text, in: fixture.path) == nil, "\(text)")
        }
    }

    @Test func oneRefIsReadWithWhatIsBehindItsTag() async throws {
        let fixture = try await Fixture()
        let work = try await fixture.pushCommits()
        try await fixture.git.succeed("tag", "-a", "-m", "one", "v1", in: work)
        try await fixture.git.succeed("push", "--quiet", fixture.path, "--tags", in: work)
        let commit = try await fixture.id("main")
        let tag = try await fixture.id("refs/tags/v1")
        for _ in 0..<2 {
            #expect(
                try await fixture.store.ref(try .tag("v1"), in: fixture.path)
                    == RefEntry(name: try .tag("v1"), target: tag, peeled: commit))
            #expect(
                try await fixture.store.ref(try .branch("main"), in: fixture.path)
                    == RefEntry(name: try .branch("main"), target: commit))
            #expect(try await fixture.store.ref(try .branch("none"), in: fixture.path) == nil)
            try await fixture.git.succeed("pack-refs", "--all", in: fixture.path)
        }
    }
}
