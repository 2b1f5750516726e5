import Foundation
import GitStore
import NIOCore
import NodeTestKit
import Portable
import Testing

/// Small packs of pushes, of which git's fsck is the judge: what is taken without git, git takes too.
@Suite struct PlainObjectTests {
    private let fixture: Fixture
    /// Where objects are made that no sound repository has.
    private let forge: String
    private let blob: ObjectID
    private let tree: ObjectID
    private let commit: ObjectID

    init() async throws {
        fixture = try await Fixture()
        let work = try await fixture.pushCommits()
        try await fixture.git.commit(in: work, file: "folder/file", text: "text\n")
        try await fixture.git.succeed("push", "--quiet", fixture.path, "main", in: work)
        forge = try await fixture.git.makeRepository("forge")
        blob = try await fixture.id("main:folder/file")
        tree = try await fixture.id("main:folder")
        commit = try await fixture.id("main")
    }

    /// A pack of these objects alone.
    private func packs(_ kind: String, _ objects: [[UInt8]]) async throws -> [ByteBuffer] {
        let folder = try fixture.git.directory.folder("objects-\(kind)")
        var paths = ""
        for (number, object) in objects.enumerated() {
            try Data(object).write(to: URL(fileURLWithPath: "\(folder)/\(number)"))
            paths += "\(folder)/\(number)\n"
        }
        let made = try await fixture.git.run(
            arguments: ["hash-object", "-t", kind, "--literally", "-w", "--no-filters", "--stdin-paths"],
            in: forge, input: Data(paths.utf8))
        try #require(made.succeeded)
        var packs: [ByteBuffer] = []
        for id in made.output.split(separator: "\n") { packs.append(try await pack([String(id)])) }
        return packs
    }

    private func pack(_ ids: [String], in folder: String? = nil) async throws -> ByteBuffer {
        let outcome = try await fixture.git.run(
            arguments: ["pack-objects", "--stdout", "--quiet"], in: folder ?? forge,
            input: Data(ids.map { $0 + "\n" }.joined().utf8))
        try #require(outcome.succeeded)
        return ByteBuffer(bytes: outcome.outputBytes)
    }

    private func isTaken(_ pack: ByteBuffer) async throws -> Bool {
        let quarantine = try await fixture.store.makeQuarantine(in: fixture.path)
        let isTaken = try await fixture.store.indexSmallPack(pack, into: quarantine)
        let names = try FileManager.default.contentsOfDirectory(atPath: quarantine.path + "/pack")
        #expect(names.count == (isTaken ? 2 : 0))
        await fixture.store.discard(quarantine)
        return isTaken
    }

    private func isTakenByGit(_ pack: ByteBuffer) async throws -> Bool {
        let quarantine = try await fixture.store.makeQuarantine(in: fixture.path)
        let process = try fixture.store.indexPack(into: quarantine, maxInputBytes: nil)
        _ = try? await process.communicate(pack)
        let status = await process.waitForExit()
        await fixture.store.discard(quarantine)
        return status.isSuccess
    }

    /// - Returns: How many were taken without git.
    private func compare(_ kind: String, _ objects: [[UInt8]]) async throws -> Int {
        var taken = 0
        for (object, pack) in zip(objects, try await packs(kind, objects)) {
            guard try await isTaken(pack) else { continue }
            taken += 1
            let text = String(decoding: object, as: UTF8.self)
            #expect(try await isTakenByGit(pack), "\(kind) \(text.debugDescription)")
        }
        return taken
    }

    /// An object, and what it is with each of its bytes changed in turn.
    private func changed(_ object: [UInt8]) -> [[UInt8]] {
        let others = "\0\n <>/.0".utf8 + [0x7F]
        return [object]
            + object.indices.map { place in
                var copy = object
                let other = others[others.index(others.startIndex, offsetBy: place % others.count)]
                copy[place] = copy[place] == other ? other ^ 1 : other
                return copy
            }
    }

    private func entry(_ mode: String, _ name: String, _ id: ObjectID? = nil) -> [UInt8] {
        let target = id ?? (mode.hasSuffix("40000") ? tree : mode == "160000" ? commit : blob)
        return Array("\(mode) \(name)\0".utf8) + target.bytes
    }

    @Test func commits() async throws {
        let text = """
            tree \(tree)
            parent \(commit)
            author A B <a@b> 1700000000 +0100
            committer C <> 0 -0000
            encoding ISO-8859-1

            text

            """
        #expect(try await compare("commit", [Array(text.utf8)]) == 1)
        #expect(try await compare("commit", changed(Array(text.utf8))) > 15)
        let person = "author A <a> 1 +0000\n"
        let others = [
            "tree \(tree)\n\(person)committer A <a> 1 +0000\n",
            "tree \(tree)\n\(person)\(person)committer A <a> 1 +0000\n\n",
            "tree \(tree)\nparent \(tree)\n\(person)committer A <a> 1 +0000\n\n",
            "tree \(blob)\n\(person)committer A <a> 1 +0000\n\n",
            "tree \(commit)\n\(person)committer A <a> 1 +0000\n\n",
            "tree \(tree.hex.uppercased())\n\(person)committer A <a> 1 +0000\n\n",
            "tree \(tree)\n\(person)committer A <a> 99999999999999999999999 +0000\n\n",
            "tree \(tree)\nauthor <a> 1 +0000\ncommitter A <a> 1 +0000\n\n",
            "tree \(tree)\nauthor A<a> 1 +0000\ncommitter A <a> 1 +0000\n\n",
            "", "\n", "tree ", "tree \(tree)\n",
        ]
        #expect(try await compare("commit", others.map { Array($0.utf8) }) == 0)
    }

    @Test func treesWithNamesThatMeanSomething() async throws {
        let names = [
            "", ".", "..", "...", "a", ".a", ".git", ".GIT", ".Git", ".git ", ".git.", ".git...", "git~1",
            "GIT~1", "git~1.", ".gi\u{200C}t", ".git\u{FEFF}", "\u{202A}.git", ".gitmodules", ".GitModules",
            ".gitmodules ", "gitmod~1", "gi7eba~1", ".gitattributes", ".Gitattributes", "gitatt~1",
            ".gitignore", ".mailmap", ".github", ".gitkeep", ".git-x", ".git::$INDEX_ALLOCATION", "a/b",
            "a\\b", ".git\\x", "x\\.git", "x\\git~1", "a:b", "ü", "日本", "\u{E000}",
            String(repeating: "n", count: 1024),
            String(repeating: "n", count: 5000), "a\nb", "a\u{7F}",
        ]
        let modes = [
            "100644", "100755", "40000", "120000", "160000", "100664", "0100644", "040000", "100600",
        ]
        let taken = try await compare(
            "tree", names.flatMap { name in modes.map { entry($0, name) } })
        #expect(taken > 40)
    }

    @Test func treesInEveryOrder() async throws {
        var random = SeededRandom(state: 7)
        let names = ["a", "a-", "a.b", "a0", "ab", "b", "a"]
        var trees: [[UInt8]] = []
        for _ in 0..<150 {
            var entries = (0..<Int.random(in: 1...4, using: &random)).compactMap { _ in
                names.randomElement(using: &random).map { ($0, Bool.random(using: &random)) }
            }
            if Bool.random(using: &random) {
                entries.sort { ($0.0 + ($0.1 ? "/" : "")) < ($1.0 + ($1.1 ? "/" : "")) }
            }
            trees.append(entries.flatMap { entry($0.1 ? "40000" : "100644", $0.0) })
        }
        #expect(try await compare("tree", trees) > 30)
    }

    @Test func treesThatReferToWhatIsNotThereOrSomethingElse() async throws {
        let sound =
            entry("100644", "an-entry") + entry("40000", "branches") + entry("160000", "c")
            + entry("120000", "documents")
        #expect(try await compare("tree", [sound]) == 1)
        #expect(try await compare("tree", changed(sound)) > 1)
        let others = [
            entry("100644", "a", tree), entry("40000", "a", blob), entry("40000", "a", commit),
            entry("120000", "a", commit), entry("100644", "a", .zero), entry("160000", "a", .zero),
            entry("100644", "a") + entry("40000", "b", blob), Array(sound.dropLast()), [0], [0x31],
            Array("100644 a".utf8), Array("100644 a\0".utf8), Array("1".utf8),
        ]
        #expect(try await compare("tree", others) == 0)
    }

    @Test func filesOfAttributesAndModulesAndTags() async throws {
        let folder = try fixture.git.directory.folder("attributes")
        let long = String(repeating: "x", count: 2047)
        var counts: [Int] = []
        for (number, text) in ["* text\n", "\(long)\n", "\(long)x\n", "* text\n\(long)x"].enumerated() {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(number)"))
            let id = try await fixture.git.succeed("hash-object", "-w", "\(folder)/\(number)", in: forge)
            let file: ObjectID = try #require(ObjectID(id))
            let tree = entry("100644", ".gitattributes", file)
            let path = "\(folder)/tree"
            try Data(tree).write(to: URL(fileURLWithPath: path))
            let name = try await fixture.git.succeed("hash-object", "-w", "-t", "tree", path, in: forge)
            let pack = try await pack([id, name])
            let isTaken = try await isTaken(pack)
            let isSound = try await isTakenByGit(pack)
            #expect(!isTaken || isSound)
            counts.append(isTaken ? 1 : 0)
        }
        #expect(counts == [1, 1, 0, 0])
        let tag = "object \(commit)\ntype commit\ntag v1\ntagger A <a> 1 +0000\n\ntext\n"
        #expect(try await compare("tag", [Array(tag.utf8)]) == 0)
    }
}
