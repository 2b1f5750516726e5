import Foundation
import GitStore
import NodeTestKit
import Portable
import Testing

@Suite struct RepositoryTests {
    @Test func aNewRepositoryIsOneThatGitAccepts() async throws {
        let fixture = try await Fixture()
        try await fixture.git.succeed("fsck", "--strict", "--full", in: fixture.path)
        #expect(
            try await fixture.git.succeed("rev-parse", "--is-bare-repository", in: fixture.path) == "true")
        let work = try await fixture.pushCommits(2)
        try await fixture.git.succeed("clone", "--quiet", fixture.path, fixture.git.directory.path("clone"))
        #expect(try await fixture.git.refs(in: fixture.path) == fixture.git.refs(in: work))
    }

    @Test func theDefaultBranchMayHaveAnyNameOfABranch() async throws {
        let fixture = try await Fixture()
        let path = fixture.git.directory.path("below/other.git")
        try await fixture.store.createRepository(at: path, defaultBranch: "release/1.x")
        #expect(try await fixture.git.succeed("symbolic-ref", "HEAD", in: path) == "refs/heads/release/1.x")
    }

    @Test(arguments: ["", "-x", "a b", "..", "HEAD", "a\nb", "x.lock"])
    func aDefaultBranchThatGitWouldRefuseIsRefused(name: String) async throws {
        let fixture = try await Fixture()
        let path = fixture.git.directory.path("other.git")
        await #expect(throws: GitStoreError.invalidName(name)) {
            try await fixture.store.createRepository(at: path, defaultBranch: name)
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func anExistingRepositoryIsNotOverwritten() async throws {
        let fixture = try await Fixture()
        try await fixture.pushCommits()
        await #expect(throws: GitStoreError.alreadyExists(path: fixture.path)) {
            try await fixture.store.createRepository(at: fixture.path, defaultBranch: "main")
        }
        #expect(try await fixture.store.refs(in: fixture.path).count == 1)
    }

    @Test func aDeletedRepositoryIsGoneAndItsPlaceIsFree() async throws {
        let fixture = try await Fixture()
        try await fixture.pushCommits()
        _ = try await fixture.store.refs(in: fixture.path)
        try await fixture.store.deleteRepository(at: fixture.path)
        #expect(!FileManager.default.fileExists(atPath: fixture.path))
        let trash = fixture.git.directory.path(".trash")
        #expect(try FileManager.default.contentsOfDirectory(atPath: trash) == [])
        try await fixture.store.createRepository(at: fixture.path, defaultBranch: "main")
        #expect(try await fixture.store.refs(in: fixture.path) == [])
        try await fixture.store.deleteRepository(at: fixture.git.directory.path("absent.git"))
    }

    @Test func damagedFilesAreErrorsAndNeverEndTheProcess() async throws {
        let fixture = try await Fixture()
        let work = try await fixture.pushCommits(3)
        let commit = try await fixture.id("main")
        let objects = fixture.path + "/objects"
        for name in try FileManager.default.subpathsOfDirectory(atPath: objects) {
            let file = objects + "/" + name
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: file, isDirectory: &isFolder), !isFolder.boolValue
            else { continue }
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
            try Data("damage".utf8).write(to: URL(fileURLWithPath: file))
        }
        #expect((try? await fixture.store.commit(commit, in: fixture.path)) ?? nil == nil)
        let query = CommitQuery(until: commit)
        await #expect(throws: GitStoreError.self) {
            try await fixture.store.commits(in: fixture.path, query: query)
        }
        await #expect(throws: GitStoreError.self) {
            try await fixture.store.entry(at: "a", commit: commit, in: fixture.path)
        }
        try Data("[core".utf8).write(to: URL(fileURLWithPath: fixture.path + "/config"))
        await #expect(throws: GitStoreError.self) {
            try await fixture.store.children(of: commit, in: fixture.path)
        }
        #expect(try await fixture.store.commit(commit, in: work + "/.git")?.id == commit)
    }
}
