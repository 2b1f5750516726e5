import Foundation
import GitStore
import NIOCore
import NodeTestKit
import Portable
import Testing

@Suite struct TreeTests {
    private func prepared() async throws -> (fixture: Fixture, commit: ObjectID) {
        let fixture = try await Fixture()
        let git = fixture.git
        let work = try await git.makeRepository("work", file: "folder/deep/file.txt", text: "content\n")
        try FileManager.default.createSymbolicLink(atPath: work + "/link", withDestinationPath: "folder")
        try Data("#!/bin/sh\n".utf8).write(to: URL(fileURLWithPath: work + "/run"))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: work + "/run")
        try Data([0, 1, 2]).write(to: URL(fileURLWithPath: work + "/binary"))
        try await git.succeed("add", ".", in: work)
        let head = try await git.succeed("rev-parse", "HEAD", in: work)
        try await git.succeed("update-index", "--add", "--cacheinfo", "160000,\(head),module", in: work)
        try await git.succeed("commit", "--quiet", "-m", "all", in: work)
        try await git.succeed("push", "--quiet", fixture.path, "main", in: work)
        return (fixture, try await fixture.id("main"))
    }

    @Test func whatIsAtAPathIsTold() async throws {
        let (fixture, commit) = try await prepared()
        func kind(_ path: String) async throws -> TreeEntry.Kind? {
            try await fixture.store.entry(at: path, commit: commit, in: fixture.path)?.kind
        }
        #expect(try await kind("") == .directory)
        #expect(try await kind("folder") == .directory)
        #expect(try await kind("folder/deep/") == .directory)
        #expect(try await kind("folder/deep/file.txt") == .file)
        #expect(try await kind("module") == .submodule)
        for path in ["nothing", "folder/nothing", "folder/deep/file.txt/x", "..", "../folder", "-x", "a\0b"] {
            #expect(try await kind(path) == nil, "\(path)")
        }
        let file = try await fixture.store.entry(at: "folder/deep/file.txt", commit: commit, in: fixture.path)
        #expect(file?.size == 8)
        #expect(file?.id == (try await fixture.id("main:folder/deep/file.txt")))
        await #expect(throws: GitStoreError.noSuchObject(.zero)) {
            try await fixture.store.entry(at: "folder", commit: .zero, in: fixture.path)
        }
    }

    @Test func theEntriesOfAFolderAreListed() async throws {
        let (fixture, commit) = try await prepared()
        let root = try #require(try await fixture.store.entry(at: "", commit: commit, in: fixture.path))
        let children = try await fixture.store.children(of: root.id, in: fixture.path)
        #expect(children.map(\.name) == ["binary", "folder", "link", "module", "run"])
        #expect(children.map(\.mode) == [0o100644, 0o040000, 0o120000, 0o160000, 0o100755])
        #expect(children.map(\.size) == [3, nil, 6, nil, 10])
        await #expect(throws: GitStoreError.wrongType(commit, wanted: "folder")) {
            try await fixture.store.children(of: commit, in: fixture.path)
        }
    }

    @Test func aFileIsReadWholeOrInPart() async throws {
        let (fixture, _) = try await prepared()
        let id = try await fixture.id("main:folder/deep/file.txt")
        let whole = try await fixture.store.blob(id, in: fixture.path, bytesMax: 100)
        #expect(whole == Blob(bytes: Array("content\n".utf8), size: 8, isBinary: false))
        #expect(whole.isComplete)
        let part = try await fixture.store.blob(id, in: fixture.path, bytesMax: 3)
        #expect(part == Blob(bytes: Array("con".utf8), size: 8, isBinary: false))
        let binary = try await fixture.store.blob(
            try await fixture.id("main:binary"), in: fixture.path, bytesMax: 9)
        #expect(binary.isBinary)
        let tree = try await fixture.id("main^{tree}")
        await #expect(throws: GitStoreError.wrongType(tree, wanted: "file")) {
            try await fixture.store.blob(tree, in: fixture.path, bytesMax: 9)
        }
    }

    @Test func aLargeFileIsStreamedAndItsBeginningReadWithoutTheRest() async throws {
        let fixture = try await Fixture()
        let work = try await fixture.git.makeRepository("work")
        let line = Data("0123456789abcde\n".utf8)
        var content = Data(capacity: 16 * 1024 * 1024)
        for _ in 0..<(1024 * 1024) { content.append(line) }
        try content.write(to: URL(fileURLWithPath: work + "/large"))
        try await fixture.git.succeed("add", "large", in: work)
        try await fixture.git.succeed("commit", "--quiet", "-m", "large", in: work)
        try await fixture.git.succeed("push", "--quiet", fixture.path, "main", in: work)
        let id = try await fixture.id("main:large")
        let part = try await fixture.store.blob(id, in: fixture.path, bytesMax: 20)
        #expect(part.bytes == Array("0123456789abcde\n0123".utf8))
        #expect(part.size == 16 * 1024 * 1024)
        let count = try await fixture.store.blobStream(id, in: fixture.path).run { process in
            var count = 0
            for try await portion in process.output { count += portion.readableBytes }
            return count
        }
        #expect(count == 16 * 1024 * 1024)
    }
}
