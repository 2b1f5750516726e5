import Foundation
import NodeTestKit
import Testing

/// What a node says when it does not start: one sentence, exit code 1, and nothing touched.
@Suite struct RefusedStartTests {
    @Test func `a port that is taken is named`() async throws {
        let first = try await RunningNode.start()
        let second = try RunningNode.prepare(properties: ["server.port": String(first.port)])
        let outcome = try await refused(second)
        #expect(outcome.errors.contains("cannot listen on 127.0.0.1 port \(first.port)"))
        #expect(outcome.errors.contains("server.port"))
        try await first.stop()
    }

    @Test func `an unknown key is named with its file and line`() async throws {
        let node = try RunningNode.prepare(properties: ["server.prot": "1"])
        let outcome = try await refused(node)
        #expect(outcome.errors.contains(#/perigee\.properties:\d+: unknown key "server\.prot"/#))
        #expect(outcome.errors.contains("\"server.port\""))
    }

    @Test func `a database that is gone while repositories are there is not made anew`() async throws {
        let node = try await RunningNode.start()
        try await node.makeRepository("PRJ", "kept")
        try await node.stop()
        for name in ["perigee.sqlite", "perigee.sqlite-wal", "perigee.sqlite-shm"] {
            try? FileManager.default.removeItem(atPath: "\(node.home)/shared/data/\(name)")
        }
        let outcome = try await refused(node)
        #expect(outcome.errors.contains("perigee.sqlite is missing"))
        #expect(!FileManager.default.fileExists(atPath: "\(node.home)/shared/data/perigee.sqlite"))
    }

    @Test func `a database file of garbage is named`() async throws {
        let node = try RunningNode.prepare()
        try node.directory.write(
            String(repeating: "garbage ", count: 2_000), to: "home/shared/data/perigee.sqlite")
        let outcome = try await refused(node)
        #expect(outcome.errors.contains("perigee.sqlite"))
    }

    @Test func `a plugins folder that everybody may write is refused`() async throws {
        let node = try RunningNode.prepare()
        let folder = try node.directory.folder("home/shared/plugins/installed-plugins")
        chmod(folder, 0o777)
        let outcome = try await refused(node)
        #expect(outcome.errors.contains("\(folder) is writable by every user"))
    }

    @Test func `a missing git is said to be missing`() async throws {
        let node = try RunningNode.prepare(properties: ["git.path.executable": "/nowhere/git"])
        let outcome = try await refused(node)
        #expect(outcome.errors.contains("/nowhere/git"))
        #expect(outcome.errors.contains("git.path.executable"))
    }

    @Test func `a certificate that cannot be read is named`() async throws {
        let node = try RunningNode.prepare(properties: [
            "server.ssl.enabled": "true", "server.ssl.certificate": "/nowhere/chain.pem",
            "server.ssl.certificate-private-key": "/nowhere/key.pem",
        ])
        let outcome = try await refused(node)
        #expect(outcome.errors.contains("/nowhere/chain.pem"))
    }

    private func refused(_ node: RunningNode) async throws -> ProcessOutcome {
        let process = try await node.launch()
        let outcome = try await process.waitForExit()
        #expect(outcome.status == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains("perigee: "))
        #expect(!outcome.errors.contains("Fatal error"))
        #expect(!FileManager.default.fileExists(atPath: "\(node.home)/run/node.json"))
        return outcome
    }
}
