import Foundation
import GitStore
import NIOCore
import NodeTestKit
import Portable
import Testing

/// Small packs that are indexed without git: taken when git would take them, and left to git else.
@Suite struct SmallPackTests {
    /// What `git pack-objects` makes of revisions.
    private func pack(
        _ fixture: Fixture, _ revisions: String..., options: [String] = ["--revs", "--thin"],
        in folder: String
    ) async throws -> ByteBuffer {
        let outcome = try await fixture.git.run(
            arguments: ["pack-objects", "--stdout", "--quiet"] + options, in: folder,
            input: Data((revisions.joined(separator: "\n") + "\n").utf8))
        try #require(outcome.succeeded)
        return ByteBuffer(bytes: outcome.outputBytes)
    }

    private func packs(_ fixture: Fixture) throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: fixture.path + "/objects/pack"))
    }

    /// A text of which git makes a delta when a line changes.
    private static func text(_ line: String) -> String {
        (0..<200).map { "line \($0) of a file that changes little\n" }.joined() + line + "\n"
    }

    @Test func aThinPackWithDeltasTagsAndSubmodulesIsTaken() async throws {
        let fixture = try await Fixture()
        let work = try await fixture.pushCommits()
        try await fixture.git.commit(in: work, file: "d/large", text: Self.text("one"))
        try await fixture.git.succeed("push", "--quiet", fixture.path, "main", in: work)
        let before = try await fixture.id("main", in: work)
        try await fixture.git.succeed(
            "update-index", "--add", "--cacheinfo", "160000,\(before.hex),module", in: work)
        try await fixture.git.commit(in: work, file: "d/large", text: Self.text("two"))
        try await fixture.git.succeed("tag", "-m", "a tag", "v1", in: work)
        let tag = try await fixture.id("v1", in: work)
        let bytes = try await pack(fixture, tag.hex, "^\(before.hex)", in: work)
        #expect(try await fixture.store.present([tag], in: fixture.path).isEmpty)
        #expect(try await fixture.store.indexSmallPack(bytes, in: fixture.path))
        #expect(try await fixture.store.present([tag], in: fixture.path) == [tag])
        try await fixture.git.succeed("update-ref", "refs/tags/v1", tag.hex, in: fixture.path)
        try await fixture.git.succeed("fsck", "--full", "--strict", in: fixture.path)
        try await fixture.git.succeed("clone", "--quiet", "--branch", "v1", fixture.path, "copy")
        let copy = try String(contentsOfFile: fixture.git.directory.path("copy/d/large"), encoding: .utf8)
        #expect(copy == Self.text("two"))
    }

    @Test func whatLacksAnObjectIsNotTaken() async throws {
        let fixture = try await Fixture()
        let work = try await fixture.pushCommits()
        let before = try await fixture.id("main", in: work)
        let next = try await fixture.git.commit(in: work, file: "a", text: "next\n")
        let last = try await fixture.git.commit(in: work, file: "b/c", text: Self.text("last"))
        let packsBefore = try packs(fixture)
        // The commit's parent, its tree, the tree's blob and folder.
        let lists = [
            [last], [next, "\(next)^{tree}"], [next, "\(next):a"], [last, "\(last)^{tree}", next],
        ]
        for list in lists {
            var hashes: [String] = []
            for revision in list { hashes.append(try await fixture.id(revision, in: work).hex) }
            let bytes = try await pack(fixture, hashes.joined(separator: "\n"), options: [], in: work)
            #expect(try await !fixture.store.indexSmallPack(bytes, in: fixture.path), "\(list)")
            #expect(try packs(fixture) == packsBefore, "\(list)")
        }
        // A delta whose base is nowhere.
        try await fixture.git.commit(in: work, file: "b/c", text: Self.text("changed"))
        let thin = try await pack(fixture, "main", "^\(last)", in: work)
        #expect(try await !fixture.store.indexSmallPack(thin, in: fixture.path))
        #expect(try packs(fixture) == packsBefore)
        // All of it is taken.
        let whole = try await pack(fixture, "main", "^\(before.hex)", in: work)
        #expect(try await fixture.store.indexSmallPack(whole, in: fixture.path))
    }

    @Test func aPackThatIsDamagedAnywhereIsNotTaken() async throws {
        let fixture = try await Fixture()
        let work = try await fixture.pushCommits()
        let before = try await fixture.id("main", in: work)
        try await fixture.git.commit(in: work, file: "a", text: "next\n")
        let whole = try await pack(fixture, "main", "^\(before.hex)", in: work)
        let packsBefore = try packs(fixture)
        for place in 0..<whole.readableBytes {
            var damaged = whole
            let byte = whole.getInteger(at: place, as: UInt8.self) ?? 0
            damaged.setInteger(byte ^ UInt8(1 << (place % 8)), at: place)
            #expect(try await !fixture.store.indexSmallPack(damaged, in: fixture.path), "byte \(place)")
        }
        for length in 0..<whole.readableBytes {
            let cut = whole.getSlice(at: 0, length: length) ?? ByteBuffer()
            #expect(try await !fixture.store.indexSmallPack(cut, in: fixture.path), "\(length) bytes")
        }
        #expect(try packs(fixture) == packsBefore)
        #expect(try await fixture.store.indexSmallPack(whole, in: fixture.path))
    }

    @Test func whatIsSmallAndMakesMuchIsLeftToGit() async throws {
        let fixture = try await Fixture()
        let work = try await fixture.git.makeRepository("work")
        // 64 MiB of one letter, and a change of it, are some kilobytes.
        let large = String(repeating: "a", count: 64 * 1024 * 1024)
        try await fixture.git.commit(in: work, file: "large", text: large)
        let before = try await fixture.id("main", in: work)
        let bytes = try await pack(fixture, "main", in: work)
        #expect(bytes.readableBytes < GitStore.smallPackMax)
        #expect(try await !fixture.store.indexSmallPack(bytes, in: fixture.path))
        try await fixture.git.succeed("push", "--quiet", fixture.path, "main", in: work)
        let packsBefore = try packs(fixture)
        try await fixture.git.commit(in: work, file: "large", text: large + "b")
        let delta = try await pack(fixture, "main", "^\(before.hex)", in: work)
        #expect(delta.readableBytes < 8192)
        #expect(try await !fixture.store.indexSmallPack(delta, in: fixture.path))
        #expect(try packs(fixture) == packsBefore)
        // Git takes both.
        let quarantine = try await fixture.store.makeQuarantine(in: fixture.path)
        let process = try fixture.store.indexPack(into: quarantine, maxInputBytes: nil)
        _ = try await process.communicate(delta)
    }
}
