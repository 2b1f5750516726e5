import Foundation
import GitStore
import NIOCore
import NodeTestKit
import Portable
import Testing

@Suite struct PushAdvertisementTests {
    /// What the real program says before a push.
    private func real(_ fixture: Fixture) async throws -> String {
        readable(
            try await fixture.text(
                fixture.store.receivePack(in: fixture.path, protocolVersion: nil, advertise: true)))
    }

    private func ours(_ fixture: Fixture) async throws -> String? {
        try await fixture.store.pushAdvertisement(in: fixture.path).map { readable(String(buffer: $0)) }
    }

    /// With the NUL byte spelled out, which would cut off what a failed expectation shows.
    private func readable(_ text: String) -> String { text.replacing("\0", with: "<NUL>") }

    @Test func anEmptyRepositoryIsToldOfAsGitDoes() async throws {
        let fixture = try await Fixture()
        #expect(try await ours(fixture) == real(fixture))
    }

    @Test func looseAndPackedRefsAndTagsAreToldOfAsGitDoes() async throws {
        let fixture = try await Fixture()
        let work = try await fixture.pushCommits(3)
        try await fixture.git.succeed("tag", "-a", "-m", "one", "v1", in: work)
        try await fixture.git.succeed("tag", "light", in: work)
        try await fixture.git.succeed("push", "--quiet", "--tags", fixture.path, in: work)
        try await fixture.git.succeed("pack-refs", "--all", in: fixture.path)
        try await fixture.git.succeed("update-ref", "refs/heads/a/b", "refs/heads/main", in: fixture.path)
        try await fixture.git.succeed("update-ref", "refs/perigee/own", "refs/heads/main", in: fixture.path)
        try await fixture.git.succeed("symbolic-ref", "refs/heads/sym", "refs/heads/main", in: fixture.path)
        let told = try #require(try await ours(fixture))
        #expect(told.contains(" refs/heads/main\n"))
        #expect(!told.contains("refs/perigee"))
        #expect(try await told == real(fixture))
    }

    @Test func aDamagedRefIsLeftToGit() async throws {
        let fixture = try await Fixture()
        try await fixture.pushCommits()
        try Data("nonsense\n".utf8).write(to: URL(fileURLWithPath: fixture.path + "/refs/heads/broken"))
        #expect(try await ours(fixture) == nil)
    }
}
