import Foundation
import GitStore
import NIOCore
import NodeTestKit
import Portable
import Testing

@Suite struct PushTests {
    /// A repository whose hooks call a listener, and a working copy with a commit to push.
    private struct Scene {
        let fixture: Fixture
        let listener: HookListener
        let work: String

        init(verdict: HookListener.Reply) async throws {
            fixture = try await Fixture()
            listener = try HookListener(in: fixture.git.directory, reply: verdict)
            try FileManager.default.createSymbolicLink(
                atPath: fixture.hooks + "/pre-receive", withDestinationPath: Executable.perigeeHook)
            work = try await fixture.git.makeRepository("work")
        }

        /// Pushes as a client does over HTTP, with a raw request.
        func push(
            _ commands: [(old: ObjectID, new: ObjectID, ref: String)], packOf revisions: [String],
            capabilities: String = "report-status side-band-64k", options: [String] = [],
            maxInputBytes: Int64? = nil
        ) async throws -> (forwarded: String, report: PushReport?) {
            var request = ByteBuffer()
            for (number, command) in commands.enumerated() {
                let line = "\(command.old) \(command.new) \(command.ref)"
                request.writePktLine(number == 0 ? "\(line)\0 \(capabilities)" : line)
            }
            request.writePktLine(.flush)
            if !options.isEmpty {
                for option in options { request.writePktLine(option) }
                request.writePktLine(.flush)
            }
            if !revisions.isEmpty {
                let pack = try await fixture.git.run(
                    "pack-objects", "--revs", "--stdout", "--quiet", in: work,
                    input: Data(revisions.joined(separator: "\n").utf8))
                request.writeBytes(pack.outputBytes)
            }
            let process = try fixture.store.receivePack(
                in: fixture.path, protocolVersion: nil, advertise: false,
                hook: HookEnvironment(socketPath: listener.path, secret: "one-push"),
                maxInputBytes: maxInputBytes)
            let sent = request
            return try await process.run { process in
                async let writing: Void = {
                    await process.write(sent)
                    process.finishInput()
                }()
                var relay = ReportRelay()
                var forwarded = ByteBuffer()
                for try await portion in process.output {
                    var now = try relay.feed(portion)
                    forwarded.writeBuffer(&now)
                }
                await writing
                return (String(buffer: forwarded), relay.finish().report)
            }
        }
    }

    @Test func anAcceptedPushMovesTheRefAndStaysAPack() async throws {
        let scene = try await Scene(verdict: .verdict(code: 0, text: "welcome"))
        defer { scene.listener.stop() }
        // What a repository's own settings say does not count.
        try await scene.fixture.git.succeed("config", "receive.unpackLimit", "1000", in: scene.fixture.path)
        let new = try await scene.fixture.id("main", in: scene.work)
        let (forwarded, report) = try await scene.push(
            [(.zero, new, "refs/heads/main")], packOf: ["main"],
            capabilities: "report-status side-band-64k push-options", options: ["a=b"])
        #expect(report == PushReport(lines: [.init(ref: "refs/heads/main", outcome: .ok)]))
        #expect(forwarded.contains("welcome\n"))
        let request = try #require(scene.listener.requests.first)
        #expect(request.secret == "one-push")
        #expect(request.hook == "pre-receive")
        #expect(request.options == ["a=b"])
        #expect(request.input == "\(ObjectID.zero) \(new) refs/heads/main\n")
        #expect(request.quarantine.hasPrefix(scene.fixture.path + "/./objects/"))
        let objects = try FileManager.default.contentsOfDirectory(atPath: scene.fixture.path + "/objects")
        #expect(Set(objects) == ["info", "pack"])
        #expect(try await scene.fixture.store.ref(try .branch("main"), in: scene.fixture.path)?.target == new)
        try await scene.fixture.store.syncAfterPush(refs: [try .branch("main")], in: scene.fixture.path)
        try await scene.fixture.git.succeed("fsck", "--strict", in: scene.fixture.path)
    }

    @Test func aRefusedPushChangesNothingAndIsToldWhy() async throws {
        let scene = try await Scene(verdict: .verdict(code: 1, text: "not on a Friday"))
        defer { scene.listener.stop() }
        let new = try await scene.fixture.id("main", in: scene.work)
        let (forwarded, report) = try await scene.push([(.zero, new, "refs/heads/main")], packOf: ["main"])
        #expect(
            report?.lines == [
                .init(ref: "refs/heads/main", outcome: .refused(reason: "pre-receive hook declined"))
            ])
        #expect(forwarded.contains("not on a Friday\n"))
        #expect(try await scene.fixture.store.refs(in: scene.fixture.path) == [])
        #expect(try await scene.fixture.store.commit(new, in: scene.fixture.path) == nil)
    }

    @Test func hooksOfTheRepositoryItselfAreNotRunWhateverItsSettingsSay() async throws {
        let scene = try await Scene(verdict: .verdict(code: 0, text: ""))
        defer { scene.listener.stop() }
        let (git, path) = (scene.fixture.git, scene.fixture.path)
        let mark = git.directory.path("ran")
        for name in ["pre-receive", "update", "reference-transaction", "post-receive", "post-update"] {
            let file = try git.directory.write(
                "#!/bin/sh\ntouch \(mark)\nexit 1\n", to: "main.git/hooks/\(name)")
            chmod(file, 0o755)
        }
        try await git.succeed("config", "core.hooksPath", path + "/hooks", in: path)
        let new = try await scene.fixture.id("main", in: scene.work)
        let (_, report) = try await scene.push([(.zero, new, "refs/heads/main")], packOf: ["main"])
        #expect(report?.accepted == ["refs/heads/main"])
        #expect(!FileManager.default.fileExists(atPath: mark))
    }

    @Test func theBranchOfHeadIsNotDeletedAndHiddenRefsAreNotTouched() async throws {
        let scene = try await Scene(verdict: .verdict(code: 0, text: ""))
        defer { scene.listener.stop() }
        let new = try await scene.fixture.id("main", in: scene.work)
        _ = try await scene.push([(.zero, new, "refs/heads/main")], packOf: ["main"])
        let (_, deleted) = try await scene.push([(new, .zero, "refs/heads/main")], packOf: [])
        #expect(deleted?.accepted == [])
        let (_, hidden) = try await scene.push([(.zero, new, "refs/perigee/x")], packOf: ["main"])
        #expect(hidden?.accepted == [])
        let refs = try await scene.fixture.git.succeed(
            "for-each-ref", "--format=%(refname)", in: scene.fixture.path)
        #expect(refs == "refs/heads/main")
    }

    @Test func aPackThatIsTooLargeOrDamagedIsRefused() async throws {
        let scene = try await Scene(verdict: .verdict(code: 0, text: ""))
        defer { scene.listener.stop() }
        let new = try await scene.fixture.id("main", in: scene.work)
        let command = (old: ObjectID.zero, new: new, ref: "refs/heads/main")
        let (_, large) = try await scene.push([command], packOf: ["main"], maxInputBytes: 100)
        #expect(large?.unpackError != nil)
        #expect(large?.accepted == [])
        let (_, absent) = try await scene.push([command], packOf: [])
        #expect(absent?.accepted ?? [] == [])
        #expect(try await scene.fixture.store.refs(in: scene.fixture.path) == [])
    }

    @Test func anObjectThatIsNotSoundIsRefusedButOldToolsFaultsAreNot() async throws {
        let scene = try await Scene(verdict: .verdict(code: 0, text: ""))
        defer { scene.listener.stop() }
        let tree = try await scene.fixture.id("main^{tree}", in: scene.work)
        func commit(_ author: String) async throws -> ObjectID {
            let text = "tree \(tree)\nauthor \(author)\ncommitter A <a@b> 1 +0000\n\nx\n"
            let outcome = try await scene.fixture.git.run(
                "hash-object", "-t", "commit", "-w", "--stdin", "--literally", in: scene.work,
                input: Data(text.utf8))
            return try #require(ObjectID(outcome.output.trimmingCharacters(in: .newlines)))
        }
        let bad = try await commit("A <a@b 1 +0000")
        let (_, refused) = try await scene.push([(.zero, bad, "refs/heads/bad")], packOf: [bad.hex])
        #expect(refused?.accepted == [])
        let old = try await commit("A <a@b> 1 +051800")
        let (_, accepted) = try await scene.push([(.zero, old, "refs/heads/old")], packOf: [old.hex])
        #expect(accepted?.accepted == ["refs/heads/old"])
    }

    @Test func manyRefsArePushedAtOnce() async throws {
        let scene = try await Scene(verdict: .verdict(code: 0, text: ""))
        defer { scene.listener.stop() }
        let new = try await scene.fixture.id("main", in: scene.work)
        let (_, report) = try await scene.push(
            (0..<1000).map { (.zero, new, "refs/heads/many/\($0)") }, packOf: ["main"])
        #expect(report?.accepted.count == 1000)
        #expect(try await scene.fixture.store.refs(in: scene.fixture.path).count == 1000)
        try await scene.fixture.expectSameAnswer(LsRefsRequest(peel: true, symrefs: true))
    }

    @Test func theCapabilitiesOfVersionTwoAreGitsOwn() async throws {
        let fixture = try await Fixture()
        let told = try await fixture.store.capabilityAdvertisementV2()
        let process = try fixture.store.uploadPack(
            in: fixture.path, protocolVersion: "version=2", advertise: true)
        #expect(String(buffer: told) == (try await fixture.text(process)))
        #expect(String(buffer: told).hasPrefix("000eversion 2\n"))
        #expect(String(buffer: told).contains("filter"))
        #expect(String(buffer: told).hasSuffix("0000"))
        #expect(try await fixture.store.capabilityAdvertisementV2() == told)
    }
}
