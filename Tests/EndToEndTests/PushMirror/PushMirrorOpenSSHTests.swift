import Foundation
import NodeTestKit
import Portable
import Testing

/// The plugin `push-mirror` over SSH against OpenSSH's server and `git-shell`.
@Suite struct PushMirrorOpenSSHTests {
    private struct Place {
        let server: OpenSSHServer
        let scene: PushMirrorScene
        let path: String

        static func make() async throws -> Place {
            let server = try await OpenSSHServer.start()
            let scene = try await PushMirrorScene.start(port: server.port)
            try await scene.push("main", "main:dev")
            return Place(server: server, scene: scene, path: try await server.makeRepository("copy.git"))
        }

        /// Gives the repository its remote.
        func configure(
            path: String? = nil, _ changes: [String: PortableValue] = [:]
        ) async throws {
            let address = "ssh://\(server.user)@127.0.0.1:\(scene.line.port)\(path ?? self.path)"
            var usual: [String: PortableValue] = [
                "url": .string(address), "username": .null, "password": .null,
                "private_key": .string(server.privateKey),
            ]
            if changes["host_keys"] == nil {
                let hostKeys = try await server.hostKeys(port: scene.line.port)
                try #require(!hostKeys.isEmpty)
                usual["host_keys"] = .list(hostKeys.map { .string($0) })
            }
            try await scene.configure(usual.merging(changes) { $1 })
        }

        var refs: [String] {
            get async throws {
                let refs = try await scene.git.succeed(
                    "--git-dir=\(path)", "for-each-ref", "--format=%(objectname)\t%(refname)")
                return refs.split(separator: "\n").map(String.init)
            }
        }

        /// Waits until the remote's disk has what the source has, whole.
        func waitForCopy() async throws {
            // What is behind a tag is no ref.
            let wanted = try await scene.sourceRefs.filter { !$0.hasSuffix("^{}") }
            try #require(!wanted.isEmpty)
            try await waitUntil(
                "the remote to be like the source",
                detail: { "\(scene.source.standardError.suffix(2_000))\(server.log.suffix(1_000))" }
            ) { try await refs == wanted }
            try await scene.git.succeed("--git-dir=\(path)", "fsck", "--full", "--strict")
        }
    }

    @Test func `branches, rewritten ones and deletions come over a connection with known keys alone`()
        async throws
    {
        let place = try await Place.make()
        let scene = place.scene
        let stranger = try await OpenSSHServer.start()
        let other = try await stranger.hostKeys(port: stranger.port).map { key in
            key.replacing(":\(stranger.port)", with: ":\(scene.line.port)")
        }
        try await place.configure(["host_keys": .list(other.map { .string($0) })])
        try await scene.waitForStatus("another host") { $0["outcome"] == "untrusted" }
        try await place.configure(["private_key": .string(stranger.privateKey)])
        try await scene.waitForStatus("a key that is not known") { $0["outcome"] == "unauthorized" }
        #expect(try await place.refs.isEmpty)

        try await place.configure()
        try await place.waitForCopy()
        try await scene.git.succeed("tag", "-m", "a tag", "v1", in: "work")
        try await scene.git.succeed(
            "commit", "--quiet", "--amend", "--allow-empty", "-m", "rewritten", in: "work")
        try await scene.push("--force", "main", ":dev", "v1")
        try await place.waitForCopy()
        try await scene.waitForStatus("all is well") { $0["attempt"] == 0 && $0["behind"] == 0 }
        #expect(place.server.log.contains("Accepted publickey for \(place.server.user)"))
        #expect(!scene.source.log.contains("PRIVATE KEY"))
    }

    @Test func `what the server says is told, and a line that breaks makes up for it later`() async throws {
        let place = try await Place.make()
        let scene = place.scene
        try await place.configure(path: place.path + "-not-there")
        try await scene.waitForStatus("no repository") { $0["outcome"] == "not_found" }
        try await scene.git.succeed("--git-dir=\(place.path)", "config", "receive.denyDeletes", "true")
        try await place.configure()
        try await place.waitForCopy()
        try await scene.push(":dev")
        let refused = try await scene.waitForStatus("a refusal") { $0["outcome"] == "rejected" }
        #expect(refused["rejected"]?[0]?["id"] == "refs/heads/dev")
        try await scene.git.succeed("--git-dir=\(place.path)", "config", "receive.denyDeletes", "false")
        try await place.waitForCopy()

        scene.line.behave(.reset)
        try await scene.pushCommit("while it is away")
        try await scene.waitForStatus("away") { $0["outcome"] == "unreachable" }
        scene.line.behave(.forward)
        try await place.waitForCopy()
        try await scene.waitForStatus("all is well") { $0["attempt"] == 0 && $0["behind"] == 0 }
    }

    @Test func `a node that is killed in the middle leaves no key behind, and brings it later`() async throws
    {
        let place = try await Place.make()
        let scene = place.scene
        let hostKeys = try await place.server.hostKeys(port: scene.line.port)
        scene.line.behave(.blackHole)
        try await place.configure(["host_keys": .list(hostKeys.map { .string($0) })])
        let tmp = scene.source.home + "/tmp"
        try await waitUntil("a push under way") { !scene.pushes.isEmpty && scene.line.connections > 0 }
        #expect(try FileManager.default.contentsOfDirectory(atPath: tmp).contains { $0.hasPrefix("push-") })
        for push in scene.pushes { #expect(!push.command.contains("PRIVATE")) }
        try await scene.source.kill()
        try await scene.source.start()
        scene.line.behave(.forward)
        try await place.waitForCopy()
        try await waitUntil("no files with keys") {
            try !FileManager.default.contentsOfDirectory(atPath: tmp).contains { $0.hasPrefix("push-") }
        }
    }
}
