import Foundation
import NodeTestKit
import Testing

/// Pushes whose refs have moved when something goes wrong: the client is not told of a success, and the event
/// comes all the same.
@Suite struct UnconfirmedPushTests {
    private static let witness = """
        perigee.events.on("repo:refs_changed", function(event)
          perigee.log.info("saw " .. event.changes[1].refId .. " " .. event.changes[1].toHash)
        end)
        """

    @Test(arguments: PushWay.allCases)
    func `a push that cannot be confirmed is told to the client, and its event comes later`(
        way: PushWay
    ) async throws {
        let scene = try await Scene.make(way)
        let (node, place) = (scene.node, scene.place)
        let client = Task { try await place.push(place.remote, "main:late") }
        try await scene.waitForRef("refs/heads/late")
        let lock = try DatabaseLock.take(home: node.home)
        try await scene.letItEnd()
        let push = try await client.value
        #expect(!push.succeeded)
        #expect(
            push.errors.contains("The server could not make the push durable, so it may be lost."),
            "\(push.errors)")
        #expect(push.errors.contains("Fetch, then push again;"), "\(push.errors)")
        #expect(!push.errors.contains("main -> late\n"), "\(push.errors)")
        #expect(!node.log.contains("saw refs/heads/late"))
        lock.release()
        try await waitUntil("the event", detail: { node.log }) {
            node.log.contains("saw refs/heads/late \(scene.head)")
        }
        // As the sentence says: a second try finds that all is there.
        let again = try await place.git.run("push", place.remote, "main:late", in: "work")
        #expect(again.succeeded)
        #expect(again.errors.contains("Everything up-to-date"), "\(again.errors)")
        try await node.stop()
        #expect(try await !JournalRows.states(home: node.home).contains("intended"))
    }

    @Test(arguments: PushWay.allCases)
    func `a node that is killed after refs have moved tells of them at its next start`(
        way: PushWay
    ) async throws {
        let scene = try await Scene.make(way)
        let (node, place) = (scene.node, scene.place)
        let client = Task { try await place.push(place.remote, "main:late") }
        try await scene.waitForRef("refs/heads/late")
        try await node.kill()
        let push = try await client.value
        #expect(!push.succeeded)
        #expect(!push.errors.contains("main -> late\n"), "\(push.errors)")
        try await scene.letItEnd()
        try await place.expectNoGit()
        try await node.start()
        try await waitUntil("the event", detail: { node.log }) {
            node.log.contains("saw refs/heads/late \(scene.head)")
        }
        try await node.stop()
        #expect(try await !JournalRows.states(home: node.home).contains("intended"))
    }

    /// A node in which a push, once its refs have moved, waits for the test.
    private struct Scene {
        let node: RunningNode
        let place: GitHTTPPlace
        let head: String
        private let way: PushWay
        private let gate: String
        private let heldUp: HeldUp?
        private var hook: String { "\(node.home)/bin/hooks/post-receive" }

        static func make(_ way: PushWay) async throws -> Scene {
            let node = try RunningNode.prepare()
            try node.installPlugin(
                "com.example.witness", permissions: #"{"events": ["repo:refs_changed"]}"#, main: witness)
            try await node.start()
            let place = try await GitHTTPSuite.makePushedPlace(on: node)
            try await place.commit(for: way)
            let scene = Scene(
                node: node, place: place, head: try await place.head(), way: way,
                gate: node.directory.path("gate"),
                heldUp: way == .inNode ? try HeldUp("push-moved", home: node.home) : nil)
            if way == .inGit { try scene.makeGate() }
            return scene
        }

        private func makeGate() throws {
            guard mkfifo(gate, 0o600) == 0 else { throw TestKitError.system(call: "mkfifo", code: errno) }
            // Git runs it after the refs have moved, and ends when it has ended.
            try Data("#!/bin/sh\n: < '\(gate)'\n".utf8).write(to: URL(fileURLWithPath: hook))
            chmod(hook, 0o755)
        }

        func waitForRef(_ name: String) async throws {
            let file = "\(node.home)/shared/data/repositories/\(place.id)/\(name)"
            try await waitUntil(name) { FileManager.default.contents(atPath: file)?.count == 41 }
            if let heldUp { return try await heldUp.wait() }
            try await waitUntil("git at the gate", detail: { "\(place.gitProcesses)" }) {
                place.gitProcesses.contains { $0.contains("post-receive") }
            }
        }

        /// Lets the push go on; nothing happens when it does not wait any more.
        func letItEnd() async throws {
            if let heldUp { return try heldUp.release() }
            try FileManager.default.removeItem(atPath: hook)
            let gate = gate
            let descriptor = open(gate, O_RDWR | O_NONBLOCK | O_CLOEXEC)
            guard descriptor >= 0 else { throw TestKitError.system(call: "open", code: errno) }
            // A reader that is about to open the pipe finds it open, too.
            try await place.expectNoGitHook()
            close(descriptor)
        }
    }
}

extension GitHTTPPlace {
    /// Waits until no hook of git runs in the repository.
    fileprivate func expectNoGitHook() async throws {
        try await waitUntil("no hook", detail: { "\(self.gitProcesses)" }) {
            !self.gitProcesses.contains { $0.contains("post-receive") }
        }
    }
}
