import Foundation
import GitStore
import NodeTestKit
import Portable
import Testing

/// What two copies of a repository are compared by.
@Suite struct RefDigestTests {
    @Test func copiesWithEqualRefsHaveEqualDigestsAndOthersNot() async throws {
        let first = try await Fixture()
        let second = try await Fixture()
        let work = try await first.pushCommits(2)
        try await first.git.succeed("tag", "-m", "one", "v1", in: work)
        try await first.git.succeed("push", "--quiet", first.path, "--tags", in: work)
        let before = try await first.store.refDigests(in: first.path)
        // How refs are stored does not matter, nor who looks.
        try await first.git.succeed("clone", "--quiet", "--mirror", first.path, "copy")
        let copy = first.git.directory.path("copy")
        #expect(try await second.store.refDigests(in: copy) == before)
        try await first.git.succeed("pack-refs", "--all", in: first.path)
        #expect(try await first.store.refDigests(in: first.path) == before)
        #expect(before.branch == "refs/heads/main" && before.pulls.isEmpty)
        #expect(try await first.store.mirrorDigest(in: first.path) == before.content)
        try await first.git.succeed("update-ref", "refs/heads/main", "main~1", in: first.path)
        #expect(try await first.store.refDigests(in: first.path).content != before.content)
    }

    @Test func refsOfPullRequestsAndTheServersOwnHaveNoPartInTheDigestOfTheOthers() async throws {
        let fixture = try await Fixture()
        try await fixture.pushCommits(2)
        let before = try await fixture.store.refDigests(in: fixture.path)
        try await fixture.git.succeed("update-ref", "refs/perigee/keep/1", "main", in: fixture.path)
        // Nor have those that mirrors do not take over.
        try await fixture.git.succeed("symbolic-ref", "refs/heads/alias", "refs/heads/main", in: fixture.path)
        try Data("nonsense\n".utf8).write(to: URL(fileURLWithPath: fixture.path + "/refs/heads/broken"))
        #expect(try await fixture.store.refDigests(in: fixture.path) == before)
        try await fixture.git.succeed("update-ref", "refs/pull-requests/1/from", "main", in: fixture.path)
        let one = try await fixture.store.refDigests(in: fixture.path)
        #expect(one.content == before.content && !one.pulls.isEmpty)
        try await fixture.git.succeed("update-ref", "refs/pull-requests/1/from", "main~1", in: fixture.path)
        let other = try await fixture.store.refDigests(in: fixture.path)
        #expect(other.content == before.content && other.pulls != one.pulls)
        try await fixture.git.succeed("update-ref", "-d", "refs/pull-requests/1/from", in: fixture.path)
        #expect(try await fixture.store.refDigests(in: fixture.path) == before)
    }

    @Test func manyAreLookedAtInTheirOrder() async throws {
        let fixture = try await Fixture()
        try await fixture.pushCommits(1)
        var paths: [String] = []
        for number in 0..<100 {
            let path = fixture.git.directory.path("many\(number)")
            paths.append(path)
            if number % 10 == 3 { continue }
            try FileManager.default.copyItem(atPath: fixture.path, toPath: path)
            try Data("ref: refs/heads/b\(number)\n".utf8).write(to: URL(fileURLWithPath: path + "/HEAD"))
        }
        let digests = await fixture.store.refDigests(of: paths)
        let expected = (0..<100).map { $0 % 10 == 3 ? nil : "refs/heads/b\($0)" }
        #expect(digests.map { $0?.branch } == expected)
        #expect(Set(digests.compactMap { $0?.content }).count == 1)
        #expect(await fixture.store.refDigests(of: []).isEmpty)
    }
}
