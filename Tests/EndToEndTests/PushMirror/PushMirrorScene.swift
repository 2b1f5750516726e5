import Foundation
import NodeTestKit
import Portable
import Testing

/// A node whose repository `PRJ/app` is mirrored to one of another node, with a line between them that can
/// break.
struct PushMirrorScene: Sendable {
    static let password = "un1que-Passw0rd-of-mirror"
    let source: RunningNode
    /// The source itself where the remote is no node.
    let remote: RunningNode
    let line: TCPProxy
    let git: GitClient

    static let hook = "/rest/api/1.0/projects/PRJ/repos/app/settings/hooks/push-mirror"

    /// Starts both, with an empty repository on each and a working copy `work` with one commit.
    static func start(
        remote properties: [String: String] = [:], settings: [String: PortableValue] = [:]
    ) async throws -> PushMirrorScene {
        let remote = try await RunningNode.start(properties: properties)
        let scene = try await prepare(remote, port: remote.port, settings: settings)
        if properties["server.ssl.enabled"] == nil {
            try await remote.makeRepository("DST", "copy")
            try await remote.makeUser("mirror", password: password)
            try await remote.grant("mirror", "REPO_ADMIN", project: "DST", repository: "copy")
        }
        return scene
    }

    /// Starts the source, for a remote that is no node.
    static func start(port: Int) async throws -> PushMirrorScene {
        try await prepare(nil, port: port, settings: [:])
    }

    private static func prepare(
        _ remote: RunningNode?, port: Int, settings: [String: PortableValue]
    ) async throws -> PushMirrorScene {
        let source = try await RunningNode.start(
            properties: ["plugin.remotes.private-networks": "127.0.0.0/8"])
        let git = try GitClient()
        try await git.makeRepository("work")
        let scene = PushMirrorScene(
            source: source, remote: remote ?? source, line: try TCPProxy(to: port), git: git)
        try await source.makeRepository("PRJ", "app")
        let quick: [String: PortableValue] = ["retry_first": "100ms", "retry_longest": "1s"]
        let answer = try await source.http.put(
            "/rest/plugins/1.0/push-mirror/settings", .map(quick.merging(settings) { $1 }))
        try #require(answer.status == 200, "\(answer.text)")
        return scene
    }

    /// The remote by way of the line.
    var url: String { "http://127.0.0.1:\(line.port)/scm/dst/copy.git" }

    /// Gives the repository its remote, and switches the plugin on there.
    func configure(_ settings: [String: PortableValue] = [:]) async throws {
        let usual: [String: PortableValue] = [
            "url": .string(url), "username": "mirror", "password": .string(Self.password),
        ]
        let given = usual.merging(settings) { $1 }.filter { $0.value != .null }
        let answer = try await source.http.put(Self.hook + "/settings", .map(given))
        try #require(answer.status == 200, "\(answer.text)")
        try #require(try await source.http.put(Self.hook + "/enabled").status == 200)
    }

    func push(_ arguments: String...) async throws {
        let command = ["push", "--quiet", source.remote("PRJ", "app")] + arguments
        try await git.succeed(arguments: command, in: "work")
    }

    /// A commit of its own, on `main` of the source.
    func pushCommit(_ text: String) async throws {
        try await git.commit(in: "work", file: "a.txt", text: text)
        try await push("main")
    }

    private func refs(_ address: String) async throws -> [String] {
        try await git.succeed("ls-remote", address, "refs/*").split(separator: "\n").map(String.init)
    }

    var sourceRefs: [String] { get async throws { try await refs(source.remote("PRJ", "app")) } }
    var remoteRefs: [String] { get async throws { try await refs(remote.remote("DST", "copy")) } }

    /// Waits until the remote has what the source has, and what else is told.
    func waitForCopy(besides extra: [String] = []) async throws {
        let wanted = try await sourceRefs
        try #require(!wanted.isEmpty)
        try await waitUntil(
            "the remote to be like the source", detail: { source.standardError.suffix(3_000) + "" }
        ) {
            let names = try await remoteRefs.filter { line in !extra.contains { line.hasSuffix("\t" + $0) } }
            return names == wanted
        }
    }

    /// How many pushes the remote has taken.
    var pushesTaken: Int {
        remote.log.split(separator: "\n").count { line in
            ["method=POST", "/dst/copy.git/git-receive-pack", "status=200"].allSatisfy { line.contains($0) }
        }
    }

    /// The status of the one mirror.
    func status() async throws -> PortableValue {
        let answer = try await source.http.get("/plugins/push-mirror/status/1")
        try #require(answer.status == 200, "\(answer.text)")
        return try answer.json()["values"]?[0] ?? .null
    }

    /// Waits until the status fits.
    @discardableResult
    func waitForStatus(
        _ fact: String, _ fits: @Sendable (PortableValue) -> Bool
    ) async throws -> PortableValue {
        try await waitFor("a status: \(fact)", detail: { source.standardError.suffix(3_000) + "" }) {
            () -> PortableValue? in
            let status = try await self.status()
            return fits(status) ? status : Optional.none
        }
    }

    /// The processes of `git push` that the source's node has started for this remote: ids, command lines.
    var pushes: [(id: Int32, command: String)] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap { entry in
            guard let id = Int32(entry),
                let bytes = FileManager.default.contents(atPath: "/proc/\(id)/cmdline")
            else { return nil }
            let command = String(decoding: bytes, as: UTF8.self).replacing("\0", with: " ")
            return command.contains("127.0.0.1:\(line.port)/") ? (id, command) : nil
        }
    }
}
