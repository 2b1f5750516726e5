import Foundation
import GitStore
import NodeTestKit
import Portable
import Testing

@Suite struct PackTests {
    /// A repository with one pack for each commit.
    private func prepared(packs: Int) async throws -> (fixture: Fixture, work: String) {
        let fixture = try await Fixture()
        let work = try await fixture.pushCommits()
        for number in 1..<packs {
            try await fixture.git.commit(in: work, file: "f\(number % 7)", text: "\(number)\n", message: "m")
            try await fixture.git.succeed("push", "--quiet", fixture.path, "main", in: work)
        }
        return (fixture, work)
    }

    private func packs(_ fixture: Fixture) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: fixture.path + "/objects/pack").sorted()
    }

    @Test func manySmallPacksBecomeFewAndNothingIsLost() async throws {
        let (fixture, work) = try await prepared(packs: 20)
        try await fixture.git.succeed("config", "receive.unpackLimit", "1", in: fixture.path)
        try await fixture.git.succeed("repack", "-d", in: fixture.path)
        for number in 0..<20 {
            try await fixture.git.commit(in: work, file: "g", text: "\(number)\n", message: "g")
            try await fixture.git.succeed("push", "--quiet", fixture.path, "main", in: work)
        }
        // An object that no ref leads to stays as well.
        try await fixture.git.commit(in: work, file: "h", text: "gone\n", message: "gone")
        let gone = try await fixture.id("main", in: work)
        try await fixture.git.succeed("push", "--quiet", fixture.path, "main:gone", in: work)
        try await fixture.git.succeed("update-ref", "-d", "refs/heads/gone", in: fixture.path)
        let before = try await fixture.store.packCount(in: fixture.path)
        #expect(before == 22)
        let count = try await fixture.store.consolidatePacks(in: fixture.path)
        #expect(count > 10)
        #expect(try await fixture.store.packCount(in: fixture.path) == before - count + 1)
        try await fixture.git.succeed("fsck", "--full", "--strict", in: fixture.path)
        #expect(try await fixture.git.succeed("cat-file", "-t", gone.hex, in: fixture.path) == "commit")
        // Every file of a pack belongs to one that is there.
        let names = try packs(fixture)
        #expect(names.filter { $0.hasPrefix("tmp_") }.isEmpty)
        for name in names { #expect(names.contains(name.prefix { $0 != "." } + ".pack"), "\(name)") }
        #expect(try await fixture.store.consolidatePacks(in: fixture.path) == 0)
    }

    @Test func aKeptPackStaysAsItIs() async throws {
        let (fixture, _) = try await prepared(packs: 1)
        try await fixture.git.succeed("repack", "-d", in: fixture.path)
        let name = try #require(try packs(fixture).first { $0.hasSuffix(".pack") })
        let keep = fixture.path + "/objects/pack/" + name.replacing(".pack", with: ".keep")
        try Data().write(to: URL(fileURLWithPath: keep))
        #expect(try await fixture.store.packCount(in: fixture.path) == 0)
        #expect(try await fixture.store.consolidatePacks(in: fixture.path) == 0)
        #expect(try packs(fixture).contains(name))
    }

    @Test func whatKilledProgramsLeftGoesOnceItIsOld() async throws {
        let (fixture, _) = try await prepared(packs: 1)
        let young = try await fixture.store.makeQuarantine(in: fixture.path)
        let old = try await fixture.store.makeQuarantine(in: fixture.path)
        let temporary = fixture.path + "/objects/pack/tmp_pack_x"
        try Data("x".utf8).write(to: URL(fileURLWithPath: temporary))
        let hoursAgo = [FileAttributeKey.modificationDate: Date(timeIntervalSinceNow: -7200)]
        for path in [old.path + "/pack", old.path, temporary] {
            try FileManager.default.setAttributes(hoursAgo, ofItemAtPath: path)
        }
        try await fixture.store.removeLeftovers(in: fixture.path)
        #expect(!FileManager.default.fileExists(atPath: old.path))
        #expect(!FileManager.default.fileExists(atPath: temporary))
        #expect(FileManager.default.fileExists(atPath: young.path))
    }

    @Test func readersAndPushesGoOnWhilePacksArePutTogether() async throws {
        let (fixture, work) = try await prepared(packs: 2)
        try await fixture.git.succeed("config", "receive.unpackLimit", "1", in: fixture.path)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in 0..<40 {
                    try await fixture.git.commit(in: work, file: "g", text: "\(number)\n", message: "g")
                    try await fixture.git.succeed("push", "--quiet", fixture.path, "main", in: work)
                }
            }
            group.addTask {
                for number in 0..<12 {
                    let copy = fixture.git.directory.path("clone-\(number)")
                    try await fixture.git.succeed(
                        "clone", "--quiet", "--no-local", "--bare", fixture.path, copy)
                    try await fixture.git.succeed("fsck", "--full", in: copy)
                }
            }
            group.addTask {
                for _ in 0..<30 { _ = try await fixture.store.consolidatePacks(in: fixture.path) }
            }
            try await group.waitForAll()
        }
        _ = try await fixture.store.consolidatePacks(in: fixture.path)
        try await fixture.git.succeed("fsck", "--full", "--strict", in: fixture.path)
        #expect(try await fixture.store.packCount(in: fixture.path) < 10)
        #expect(try await fixture.id("main") == fixture.id("main", in: work))
    }
}
