import Foundation
import NodeTestKit
import Portable
import Testing

/// A primary and the nodes of one mirror, real processes, with a client that has a working copy.
struct MirrorPair {
    static let secret = "a secret that only this test's farm knows"
    let primary: RunningNode
    /// What is between the mirrors and the primary.
    let line: TCPProxy
    var mirrors: [RunningNode]
    let git: GitClient
    /// The mirror's id.
    let id: String

    /// Starts both, accepts the mirror, and waits until its nodes have everything.
    /// - Parameter primaryProperties: Of the primary.
    /// - Parameter environment: More variables for the mirror's nodes.
    /// - Parameter prepare: Called with the primary before it starts.
    /// - Parameter fill: Makes what is there before the mirror is.
    static func start(
        nodes: Int = 1, accept: Bool = true, properties: [String: String] = [:],
        primary primaryProperties: [String: String] = [:], environment: [String: String] = [:],
        fill: (RunningNode, GitClient) async throws -> Void = { _, _ in },
        prepare: (RunningNode) async throws -> Void = { _ in }
    ) async throws -> MirrorPair {
        let primary = try RunningNode.prepare(properties: primaryProperties)
        try await prepare(primary)
        try await primary.start()
        let git = try GitClient()
        try await fill(primary, git)
        let line = try TCPProxy(to: primary.port)
        var mirrors: [RunningNode] = []
        for number in 0..<nodes {
            mirrors.append(
                try await startMirror(
                    of: "http://127.0.0.1:\(line.port)", name: "node\(number)", properties: properties,
                    environment: environment))
        }
        let request = try await waitFor("a mirror that asks") { () -> PortableValue? in
            try await primary.http.get("/rest/mirroring/latest/requests").json()["values"]?[0]
        }
        let pair = MirrorPair(
            primary: primary, line: line, mirrors: mirrors, git: git,
            id: request["mirrorId"]?.stringValue ?? "")
        if accept {
            try await pair.accept()
            for mirror in mirrors { try await pair.waitForAll(on: mirror) }
        }
        return pair
    }

    /// Starts a mirror's node; it serves, and has nothing yet.
    static func startMirror(
        of upstream: String, name: String, properties: [String: String] = [:],
        environment: [String: String] = [:], prepare: (RunningNode) async throws -> Void = { _ in }
    ) async throws -> RunningNode {
        let defaults = [
            "application.mode": "mirror", "setup.displayName": "Office",
            "setup.baseUrl": "http://mirror.example.org", "plugin.mirroring.upstream.url": upstream,
            "plugin.mirroring.farm.secret": secret, "cluster.node.name": name,
            "cluster.node.address": "127.0.0.1",
        ]
        let node = try RunningNode.prepare(
            properties: defaults.merging(properties) { $1 }, environment: environment)
        try await prepare(node)
        try await node.start()
        return node
    }

    /// Accepts the mirror, with all projects.
    func accept(mode: String = "ALL_PROJECTS") async throws {
        let page = try await primary.http.get("/rest/mirroring/latest/requests").json()
        let number = try #require(page["values"]?[0]?["id"]?.integerValue)
        let answer = try await primary.http.post(
            "/rest/mirroring/latest/requests/\(number)/accept?mode=\(mode)", [:])
        #expect(answer.status == 200)
    }

    /// Waits until a node says that it has everything.
    func waitForAll(on mirror: RunningNode) async throws {
        try await waitUntil("a mirror that has everything", detail: { mirror.log.suffix(3000).description }) {
            try await mirror.http.get("/status").status == 200
        }
    }

    /// Waits until the refs of a repository are the same on a node of the mirror as on the primary.
    func waitForRefs(of project: String, _ repository: String, on mirror: RunningNode) async throws {
        try await waitUntil(
            "the refs of \(project)/\(repository)", detail: { mirror.log.suffix(3000).description }
        ) {
            let wanted = try await primary.refsOnDisk(project, repository)
            return try await mirror.refsOnDisk(project, repository, as: wanted.id).refs == wanted.refs
        }
    }
}

extension RunningNode {
    /// What `perigee mirror status` says on a mirror, which needs no upstream to answer.
    func mirrorStatus() async throws -> PortableValue {
        let outcome = try await perigee("mirror", "status", "--json", "--home", home)
        return outcome.status == 0 ? try JSON.decode(Array(outcome.output.utf8)) : .null
    }

    /// The refs of a repository as git reads them from this node's disk, and the repository's id.
    func refsOnDisk(
        _ project: String, _ repository: String, as known: Int64? = nil
    ) async throws -> (id: Int64, refs: String) {
        var id = known
        if id == nil {
            let answer = try await http.get("/rest/api/latest/projects/\(project)/repos/\(repository)")
            id = try answer.json()["id"]?.integerValue
        }
        let folder = "\(home)/shared/data/repositories/\(id ?? 0)"
        guard FileManager.default.fileExists(atPath: folder) else { return (id ?? 0, "none") }
        let outcome = try await ChildProcess.run(
            ["git", "--git-dir=\(folder)", "for-each-ref"], environment: Executable.environment,
            directory: "/")
        return (id ?? 0, outcome.output)
    }
}
