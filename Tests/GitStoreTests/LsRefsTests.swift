import Foundation
import GitStore
import NIOCore
import NodeTestKit
import Portable
import Testing

@Suite struct LsRefsTests {
    @Test func anEmptyRepositoryIsToldAsGitTellsIt() async throws {
        let fixture = try await Fixture()
        for request in Fixture.requests { try await fixture.expectSameAnswer(request) }
    }

    @Test func looseAndPackedRefsTagsAndSymbolicRefsAreToldAsGitTellsThem() async throws {
        let fixture = try await Fixture()
        let git = fixture.git
        let work = try await fixture.pushCommits(2)
        try await git.succeed("tag", "-a", "-m", "one", "v1", in: work)
        try await git.succeed("tag", "-a", "-m", "two", "v2", "v1", in: work)
        try await git.succeed("tag", "light", in: work)
        try await git.succeed("push", "--quiet", fixture.path, "--tags", "main:refs/heads/m/a", in: work)
        try await git.succeed("push", "--quiet", fixture.path, "main~1:refs/heads/m-b", in: work)
        try await git.succeed("pack-refs", "--all", in: fixture.path)
        // Over packed refs: a changed one, new ones, a symbolic one, one that points nowhere, and hidden
        // ones.
        try await git.succeed("update-ref", "refs/heads/m/a", "refs/heads/m-b", in: fixture.path)
        try await git.succeed("update-ref", "refs/heads/zz", "main", in: fixture.path)
        try await git.succeed("tag", "-a", "-m", "three", "v3", "main", in: fixture.path)
        try await git.succeed("symbolic-ref", "refs/heads/alias", "refs/heads/main", in: fixture.path)
        try await git.succeed("symbolic-ref", "refs/heads/second", "refs/heads/alias", in: fixture.path)
        try await git.succeed("symbolic-ref", "refs/heads/lost", "refs/heads/nowhere", in: fixture.path)
        try await git.succeed("symbolic-ref", "refs/tags/vsymbolic", "refs/tags/v2", in: fixture.path)
        try await git.succeed("update-ref", "refs/perigee/keep/1", "main", in: fixture.path)
        try await git.succeed("update-ref", "refs/perigeeish", "main", in: fixture.path)
        for request in Fixture.requests { try await fixture.expectSameAnswer(request, "\(request)") }
    }

    @Test(arguments: ["refs/heads/alias", "refs/heads/none", "detached", "tag", "refs/tags/v1"])
    func headIsToldAsGitTellsItWhereverItPoints(target: String) async throws {
        let fixture = try await Fixture()
        let work = try await fixture.pushCommits()
        try await fixture.git.succeed("tag", "-a", "-m", "one", "v1", in: work)
        try await fixture.git.succeed("push", "--quiet", fixture.path, "--tags", in: work)
        try await fixture.git.succeed("symbolic-ref", "refs/heads/alias", "refs/heads/main", in: fixture.path)
        let content =
            switch target {
            case "detached": try await fixture.id("main").hex
            case "tag": try await fixture.id("refs/tags/v1").hex
            default: "ref: \(target)"
            }
        try Data("\(content)\n".utf8).write(to: URL(fileURLWithPath: fixture.path + "/HEAD"))
        for request in Fixture.requests { try await fixture.expectSameAnswer(request, "\(request)") }
    }

    @Test func damagedRefsAreToldAsGitTellsThem() async throws {
        let fixture = try await Fixture()
        try await fixture.pushCommits()
        try await fixture.git.succeed("branch", "packed", "main", in: fixture.path)
        try await fixture.git.succeed("pack-refs", "--all", in: fixture.path)
        let heads = fixture.path + "/refs/heads"
        let missing = String(repeating: "ab", count: 20)
        for (name, content) in [
            ("empty", ""), ("garbage", "no ref\n"), ("missing", missing + "\n"), ("packed", "garbage\n"),
            ("short", "abcdef\n"), ("two..dots", "ref: refs/heads/main\n"),
            ("aliased", "ref: refs/heads/empty\n"), ("held.lock", missing + "\n"),
            ("endless", "ref: refs/heads/endless\n"),
        ] {
            try Data(content.utf8).write(to: URL(fileURLWithPath: "\(heads)/\(name)"))
        }
        for request in Fixture.requests { try await fixture.expectSameAnswer(request, "\(request)") }
    }

    @Test func eachChangeShowsInTheVeryNextAnswer() async throws {
        let fixture = try await Fixture()
        let work = try await fixture.pushCommits(2)
        let new = try await fixture.id("main", in: work)
        let old = try await fixture.id("main~1", in: work)
        try await fixture.store.updateRefs(
            [RefUpdate(name: try .branch("b"), old: .zero, new: new)], in: fixture.path)
        for round in 0..<40 {
            let (from, to) = round.isMultiple(of: 2) ? (new, old) : (old, new)
            try await fixture.store.updateRefs(
                [RefUpdate(name: try .branch("b"), old: from, new: to)], in: fixture.path)
            if round == 20 { try await fixture.git.succeed("pack-refs", "--all", in: fixture.path) }
            let answer = try await fixture.store.lsRefs(
                in: fixture.path, request: LsRefsRequest(prefixes: ["refs/heads/b"]))
            #expect(String(buffer: answer).contains("\(to) refs/heads/b\n"))
            let entry = try await fixture.store.ref(try .branch("b"), in: fixture.path)
            #expect(entry?.target == to)
        }
    }

    @Test func fourThousandRefsAreToldAsGitTellsThem() async throws {
        let fixture = try await Fixture()
        let path = fixture.git.directory.path("large.git")
        try await FastImport.makeRepository(
            at: path, commits: 300, branches: 3000, tags: 1300, git: fixture.git)
        for round in 0..<3 {
            if round == 1 { try await fixture.git.succeed("pack-refs", "--all", in: path) }
            if round == 2 {
                try await fixture.git.succeed("update-ref", "refs/heads/one/more", "main", in: path)
            }
            for request in [0, 3, 7, 19, 35, 43].map({ Fixture.requests[$0] }) {
                try await fixture.expectSameAnswer(request, in: path)
            }
        }
        let expected = try await fixture.git.succeed(
            "for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", in: path)
        let listed = try await fixture.store.refs(in: path)
        #expect(listed.count >= 4300)
        let ours = listed.map { "\($0.name) \($0.target) \($0.peeled?.hex ?? "")" }.joined(separator: "\n")
        #expect(ours == expected)
    }

    @Test func aDamagedListOfPackedRefsIsAnErrorAndNotAnEmptyAnswer() async throws {
        let fixture = try await Fixture()
        try await fixture.pushCommits()
        try Data("# pack-refs with: peeled fully-peeled sorted \nnonsense\n".utf8).write(
            to: URL(fileURLWithPath: fixture.path + "/packed-refs"))
        await #expect(throws: GitStoreError.self) {
            try await fixture.store.lsRefs(in: fixture.path, request: LsRefsRequest())
        }
    }

    @Test func whatIsNoRepositoryIsAnError() async throws {
        let fixture = try await Fixture()
        await #expect(throws: GitStoreError.notARepository(path: "/nowhere", reason: "it has no HEAD")) {
            try await fixture.store.lsRefs(in: "/nowhere", request: LsRefsRequest())
        }
    }
}
