import Foundation
import GitStore
import NodeTestKit
import Portable
import Testing

/// Folders of repositories whose content is somewhere else, made many at a time.
@Suite struct CopyTests {
    private static func main() throws -> RefName { try RefName.branch("main") }

    @Test(arguments: [3, 200])
    func `many are made at once, and what is there keeps its content`(_ count: Int) async throws {
        let fixture = try await Fixture()
        try await fixture.pushCommits(2)
        let before = try await fixture.git.refs(in: fixture.path)
        let paths = (0..<count).map { fixture.git.directory.path("copies\($0).git") }
        let topic = try RefName.branch("topic/x")
        let copies = try paths.map { GitStore.Copy(path: $0, head: try Self.main()) }
        for _ in 0..<2 { try await fixture.store.make(copies + [.init(path: fixture.path, head: topic)]) }
        #expect(try await fixture.git.refs(in: fixture.path) == before)
        #expect(try await fixture.git.succeed("symbolic-ref", "HEAD", in: fixture.path) == topic.full)
        for path in [paths[0], paths[count - 1]] {
            try await fixture.git.succeed("fsck", "--strict", "--full", in: path)
            #expect(try await fixture.git.succeed("symbolic-ref", "HEAD", in: path) == "refs/heads/main")
        }
        #expect(try await fixture.store.areIncomplete(paths) == paths.map { _ in false })
        let left = try FileManager.default.contentsOfDirectory(atPath: fixture.git.directory.path)
        #expect(!left.contains { $0.hasPrefix(".new-") })
    }

    /// What a power cut takes: a file's content, a file, a folder, all.
    @Test(arguments: [
        ": > HEAD", "rm HEAD", ": > config", "rm config", "rm -r objects", "rm -r refs", "echo x > HEAD",
        "rm -r ../main.git", "rm -r ../main.git && echo x > ../main.git",
    ])
    func `what is incomplete is made again`(_ damage: String) async throws {
        let fixture = try await Fixture()
        let work = try await fixture.pushCommits(2)
        let whole = fixture.git.directory.path("whole.git")
        try await fixture.store.createRepository(at: whole, defaultBranch: "main")
        #expect(try await fixture.store.areIncomplete([fixture.path, whole]) == [false, false])
        let outcome = try await ChildProcess.run(
            ["sh", "-c", damage], environment: Executable.environment, directory: fixture.path)
        try #require(outcome.succeeded, "\(outcome.errors)")
        #expect(try await fixture.store.areIncomplete([fixture.path, whole]) == [true, false])
        try await fixture.store.make([.init(path: fixture.path, head: try Self.main())])
        #expect(try await fixture.store.areIncomplete([fixture.path]) == [false])
        #expect(try await fixture.store.refs(in: fixture.path) == [])
        try await fixture.git.succeed("push", "--quiet", fixture.path, "main", in: work)
        try await fixture.git.succeed("fsck", "--strict", "--full", in: fixture.path)
        #expect(try await fixture.store.refs(in: fixture.path).count == 1)
    }

    @Test(.enabled("needs root, to mount a disk") { await MountedDisk.isAvailable(.journaled) })
    func `what a power cut takes is made again`() async throws {
        let fixture = try await Fixture()
        let disk = try await MountedDisk.make(
            .journaled, megabytes: 32, at: "disk", in: fixture.git.directory)
        let paths = (0..<100).map { "\(disk.path)/\($0)" }
        let copies = try paths.map { GitStore.Copy(path: $0, head: try Self.main()) }
        try await fixture.store.make(Array(copies[..<50]))
        try await disk.sync()
        try await fixture.store.make(Array(copies[50...]))
        try disk.cutPower()
        try await disk.unmount()
        try await disk.mount()
        let areIncomplete = try await fixture.store.areIncomplete(paths)
        #expect(!areIncomplete[..<50].contains(true))
        #expect(areIncomplete[50...].contains(true), "nothing was taken")
        try await fixture.store.make(copies)
        #expect(try await !fixture.store.areIncomplete(paths).contains(true))
        for path in [paths[0], paths[99]] {
            try await fixture.git.succeed("fsck", "--strict", "--full", in: path)
        }
        try await disk.unmount()
    }
}
