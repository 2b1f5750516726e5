import Foundation
import GitStore
import NIOCore
import NodeTestKit
import Portable
import Testing

@Suite struct MoveRefsTests {
    private func prepared() async throws -> (fixture: Fixture, old: ObjectID, new: ObjectID) {
        let fixture = try await Fixture()
        try await fixture.pushCommits(2)
        return (fixture, try await fixture.id("main~1"), try await fixture.id("main"))
    }

    @Test(arguments: [false, true]) func refsAreMadeAndMovedLooseOrPacked(packed: Bool) async throws {
        let (fixture, old, new) = try await prepared()
        try await fixture.git.succeed("branch", "deep/er/one", "main", in: fixture.path)
        if packed { try await fixture.git.succeed("pack-refs", "--all", in: fixture.path) }
        let failures = try await fixture.store.moveRefs(
            [
                RefUpdate(name: try .branch("main"), old: new, new: old),
                RefUpdate(name: try .branch("deep/er/two"), old: .zero, new: new),
                RefUpdate(name: try .tag("v1"), old: .zero, new: old),
            ], isAtomic: true, in: fixture.path)
        #expect(failures.isEmpty)
        let refs = try await fixture.git.refs(in: fixture.path)
        #expect(
            refs
                == "\(new) refs/heads/deep/er/one\n\(new) refs/heads/deep/er/two\n\(old) refs/heads/main\n"
                + "\(old) refs/tags/v1")
        try await fixture.git.succeed("fsck", "--strict", in: fixture.path)
        #expect(try locks(in: fixture).isEmpty)
    }

    @Test(arguments: [false, true]) func aRefThatMovedMeanwhileIsNamed(isAtomic: Bool) async throws {
        let (fixture, old, new) = try await prepared()
        let (main, fine) = (try RefName.branch("main"), try RefName.branch("fine"))
        let failures = try await fixture.store.moveRefs(
            [RefUpdate(name: fine, old: .zero, new: new), RefUpdate(name: main, old: old, new: new)],
            isAtomic: isAtomic, in: fixture.path)
        #expect(failures[main] == .refConflict(name: main, expected: old, actual: new))
        #expect((failures[fine] != nil) == isAtomic)
        #expect((try await fixture.store.ref(fine, in: fixture.path) == nil) == isAtomic)
        #expect(try await fixture.store.ref(main, in: fixture.path)?.target == new)
        #expect(try locks(in: fixture).isEmpty)
    }

    @Test(arguments: [false, true]) func aRefCannotLieBesideItsOwnFolder(packed: Bool) async throws {
        let (fixture, _, new) = try await prepared()
        try await fixture.git.succeed("branch", "deep/er", "main", in: fixture.path)
        if packed { try await fixture.git.succeed("pack-refs", "--all", "--prune", in: fixture.path) }
        for name in ["main/below", "deep", "deep/er/below/it"] {
            let ref = try RefName.branch(name)
            let failures = try await fixture.store.moveRefs(
                [RefUpdate(name: ref, old: .zero, new: new)], isAtomic: false, in: fixture.path)
            guard case .refBlocked = failures[ref] else {
                Issue.record("\(name): \(String(describing: failures[ref]))")
                continue
            }
        }
        let both = [try RefName.branch("x"), try RefName.branch("x/y")]
        let failures = try await fixture.store.moveRefs(
            both.map { RefUpdate(name: $0, old: .zero, new: new) }, isAtomic: false, in: fixture.path)
        #expect(Set(failures.keys) == Set(both))
        let refs = try await fixture.git.refs(in: fixture.path)
        #expect(refs == "\(new) refs/heads/deep/er\n\(new) refs/heads/main")
        #expect(try locks(in: fixture).isEmpty)
    }

    @Test func foldersThatDeletedRefsLeftAreNoObstacle() async throws {
        let (fixture, _, new) = try await prepared()
        let folder = fixture.path + "/refs/heads/a/b/c"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let name = try RefName.branch("a")
        let failures = try await fixture.store.moveRefs(
            [RefUpdate(name: name, old: .zero, new: new)], isAtomic: false, in: fixture.path)
        #expect(failures.isEmpty)
        #expect(try await fixture.id("refs/heads/a") == new)
    }

    @Test func aLockOfAnotherWriterIsRespectedAndOneThatWasLeftIsNot() async throws {
        let (fixture, old, new) = try await prepared()
        let lock = fixture.path + "/refs/heads/main.lock"
        try Data().write(to: URL(fileURLWithPath: lock))
        let update = RefUpdate(name: try .branch("main"), old: new, new: old)
        let refused = try await fixture.store.moveRefs([update], isAtomic: false, in: fixture.path)
        #expect(refused[update.name] == .locked(path: fixture.path + "/refs/heads/main"))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -3600)], ofItemAtPath: lock)
        #expect(try await fixture.store.moveRefs([update], isAtomic: false, in: fixture.path).isEmpty)
        #expect(try await fixture.id("main") == old)
    }

    @Test func aSymbolicRefIsLeftAlone() async throws {
        let (fixture, old, new) = try await prepared()
        try await fixture.git.succeed("symbolic-ref", "refs/heads/alias", "refs/heads/main", in: fixture.path)
        let update = RefUpdate(name: try .branch("alias"), old: new, new: old)
        let failures = try await fixture.store.moveRefs([update], isAtomic: false, in: fixture.path)
        #expect(failures.count == 1)
        #expect(try await fixture.id("main") == new)
    }

    @Test func ofGitAndThisProcessExactlyOneWinsFromEachOldValue() async throws {
        let (fixture, old, new) = try await prepared()
        let name = try RefName.branch("raced")
        for _ in 0..<5 {
            try await fixture.git.succeed("update-ref", name.full, old.hex, in: fixture.path)
            let won = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        if number.isMultiple(of: 2) {
                            let update = RefUpdate(name: name, old: old, new: new)
                            return
                                (try? await fixture.store.moveRefs(
                                    [update], isAtomic: false, in: fixture.path))?.isEmpty == true
                        }
                        return
                            (try? await fixture.git.succeed(
                                "update-ref", name.full, new.hex, old.hex, in: fixture.path)) != nil
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(won == 1)
            #expect(try await fixture.id(name.full) == new)
        }
    }

    @Test func objectsOfAPushAreSeenOnlyOnceTheyHaveMigrated() async throws {
        let (fixture, _, new) = try await prepared()
        let work = fixture.git.directory.path("work")
        try await fixture.git.commit(in: work, file: "b", text: "more\n", message: "more")
        let tip = try await fixture.id("main", in: work)
        let pack = fixture.git.directory.path("pushed.pack")
        let made = try await ChildProcess.run(
            [
                "sh", "-c",
                "printf '%s\\n^%s\\n' \(tip) \(new) | "
                    + "git -C \(work) pack-objects --revs --thin --stdout > \(pack)",
            ],
            environment: Executable.environment)
        try #require(made.succeeded)
        let quarantine = try await fixture.store.makeQuarantine(in: fixture.path)
        let process = try fixture.store.indexPack(into: quarantine, maxInputBytes: nil)
        _ = try await process.communicate(.init(bytes: try Data(contentsOf: URL(fileURLWithPath: pack))))
        let update = RefUpdate(name: try .branch("main"), old: new, new: tip)
        #expect(
            try await fixture.store.objections(to: [update], quarantine: quarantine, in: fixture.path).isEmpty
        )
        #expect(
            try await fixture.store.objections(to: [update], quarantine: nil, in: fixture.path)
                == [update.name: "bad pack"])
        try await fixture.store.migrate(quarantine)
        #expect(
            try await fixture.store.objections(to: [update], quarantine: nil, in: fixture.path).isEmpty)
        #expect(!FileManager.default.fileExists(atPath: quarantine.path))
        #expect(try await fixture.store.moveRefs([update], isAtomic: false, in: fixture.path).isEmpty)
        try await fixture.git.succeed("fsck", "--strict", in: fixture.path)
    }

    @Test func aPackWithoutWhatItsObjectsReferToIsRefused() async throws {
        let (fixture, _, _) = try await prepared()
        let work = try await fixture.git.makeRepository("other")
        try await fixture.git.commit(in: work, file: "b", text: "one\n", message: "one")
        try await fixture.git.commit(in: work, file: "b", text: "two\n", message: "two")
        let pack = fixture.git.directory.path("torn.pack")
        let made = try await ChildProcess.run(
            ["sh", "-c", "git -C \(work) rev-parse HEAD | git -C \(work) pack-objects --stdout > \(pack)"],
            environment: Executable.environment)
        try #require(made.succeeded)
        let quarantine = try await fixture.store.makeQuarantine(in: fixture.path)
        let process = try fixture.store.indexPack(into: quarantine, maxInputBytes: nil)
        await #expect(throws: GitStoreError.self) {
            try await process.communicate(.init(bytes: try Data(contentsOf: URL(fileURLWithPath: pack))))
        }
        await fixture.store.discard(quarantine)
        #expect(!FileManager.default.fileExists(atPath: quarantine.path))
    }

    private func locks(in fixture: Fixture) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: fixture.path).filter { $0.hasSuffix(".lock") }
    }
}
