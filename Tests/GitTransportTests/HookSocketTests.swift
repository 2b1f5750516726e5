import Foundation
import GitStore
import Hosting
import NIOCore
import NodeTestKit
import Testing

@testable import GitTransport

@Suite struct HookSocketTests {
    private static let id = String(repeating: "1", count: 40)

    @Test func `a guard that never answers is a refusal in time, and what it says later counts for nothing`()
        async throws
    {
        let judge = PatientGuard()
        let scene = try await HookScene.make(timeout: .milliseconds(300), guard: judge)
        try await scene.serving { client in
            let push = scene.push()
            let reply = try await client.ask(
                HookRequest.creating("refs/heads/main", at: Self.id, secret: push.secret).bytes)
            #expect(reply?.exitCode == 1)
            #expect(reply?.text.hasPrefix("The server did not decide on this push within ") == true)
            #expect(judge.asked == 1)
            // Git reports what the hook's refusal made of the push.
            try await push.finish(
                report: PushReport(lines: [
                    PushReport.Line(
                        ref: "refs/heads/main", outcome: .refused(reason: "pre-receive hook declined"))
                ]))
            judge.open()
            let second = scene.push()
            let accepted = try await client.ask(
                HookRequest.creating("refs/heads/other", at: Self.id, secret: second.secret).bytes)
            #expect(accepted == .accept)
            #expect(!push.isCommitting)
            #expect(try await scene.journal().map(\.push) == [second.id])
            await second.abandon()
            #expect(try await scene.journal().isEmpty)
        }
    }

    @Test func `a decision that is given up because the node stops is a refusal`() async throws {
        let judge = PatientGuard()
        let scene = try await HookScene.make(guard: judge)
        try await scene.socket.start()
        let push = scene.push()
        let client = HookClient(path: scene.socket.path)
        let serving = Task { try await scene.socket.run() }
        let asking = Task {
            try await client.ask(
                HookRequest.creating("refs/heads/main", at: Self.id, secret: push.secret).bytes)
        }
        try await waitUntil("the guard") { judge.asked == 1 }
        serving.cancel()
        let reply = try await asking.value
        // The connection may be cut before the word is out; the hook refuses then by itself.
        #expect(reply == nil || reply?.exitCode == 1)
        _ = await serving.result
        judge.open()
        await push.abandon()
        await scene.socket.stop()
    }

    @Test func `only a push's own secret is answered, and only pre-receive decides`() async throws {
        let scene = try await HookScene.make()
        try await scene.serving { client in
            let stranger = try await client.ask(
                HookRequest.creating("refs/heads/main", at: Self.id, secret: "guess").bytes)
            #expect(stranger?.exitCode == 1)
            #expect(stranger?.text.hasPrefix("The server does not know this push.") == true)
            let push = scene.push()
            let after = try await client.ask(
                HookRequest.creating(
                    "refs/heads/main", at: Self.id, secret: push.secret, hook: "post-receive"
                )
                .bytes)
            #expect(after == .accept)
            #expect(!push.isCommitting)
            await push.abandon()
            let late = try await client.ask(
                HookRequest.creating("refs/heads/main", at: Self.id, secret: push.secret).bytes)
            #expect(late?.exitCode == 1)
            #expect(try await scene.journal().isEmpty)
        }
    }

    @Test(arguments: [
        (Array("GET / HTTP/1.1\r\n\r\n".utf8), "could not read its own hook's request"),
        (Array("PGH1".utf8) + [255, 255, 255, 255], "could not read its own hook's request"),
        (Array("PGH1".utf8) + [0, 0, 0, 9, 1], "The hook's request broke off."),
        ([], "The hook's request broke off."),
    ])
    func `what is no request is refused with a sentence`(bytes: [UInt8], sentence: String) async throws {
        let scene = try await HookScene.make()
        try await scene.serving { client in
            let reply = try await client.ask(bytes, finishes: true)
            #expect(reply?.exitCode == 1)
            #expect(reply?.text.contains(sentence) == true, "\(reply?.text ?? "")")
        }
    }

    @Test func `the socket is there for its user alone, while the node serves`() async throws {
        let scene = try await HookScene.make()
        let path = scene.socket.path
        #expect(path.utf8.count <= 100)
        try await scene.serving { _ in
            let manager = FileManager.default
            let socket = try manager.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
            #expect(socket?.intValue == 0o600)
            let folder = (path as NSString).deletingLastPathComponent
            let mode = try manager.attributesOfItem(atPath: folder)[.posixPermissions] as? NSNumber
            #expect(mode?.intValue == 0o700)
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}
