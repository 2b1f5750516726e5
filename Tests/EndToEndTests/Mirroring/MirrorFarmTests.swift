import Foundation
import NodeTestKit
import Portable
import Testing

/// The nodes of a farm look like one server.
@Suite struct MirrorFarmTests {
    private static func fill(_ primary: RunningNode, _ git: GitClient) async throws {
        try await primary.makeRepository("PRJ", "app")
        try await git.makeRepository("work")
        try await git.succeed("push", "--quiet", primary.remote("PRJ", "app"), "main", in: "work")
    }

    @Test func `nodes with the farm's secret and properties join without approval`() async throws {
        let pair = try await MirrorPair.start(nodes: 2, fill: Self.fill)
        let mirrors = try await pair.primary.http.get("/rest/mirroring/latest/mirrorServers").json()
        #expect(mirrors["size"]?.integerValue == 1)
        let nodes = try await pair.primary.http.get(
            "/rest/mirroring/latest/mirrorServers/\(pair.id)/nodes"
        ).json().listValue
        #expect(nodes?.compactMap { $0["name"]?.stringValue }.sorted() == ["node0", "node1"])
        let different = try await MirrorPair.startMirror(
            of: pair.primary.url, name: "odd", properties: ["setup.displayName": "Another office"])
        try await waitUntil("a refusal that says what differs") {
            different.log.contains("setup.displayName is \"Another office\", the farm's is \"Office\"")
        }
        #expect(try await different.http.get("/status").status == 503)
    }

    @Test func `all nodes show a push, and go on without one that is stopped`() async throws {
        let pair = try await MirrorPair.start(nodes: 2, fill: Self.fill)
        func push(_ name: String) async throws {
            try await pair.git.succeed("commit", "--quiet", "--allow-empty", "-m", name, in: "work")
            try await pair.git.succeed(
                "push", "--quiet", pair.primary.remote("PRJ", "app"), "HEAD:refs/heads/\(name)", in: "work")
        }
        try await push("both")
        for mirror in pair.mirrors { try await pair.waitForRefs(of: "PRJ", "app", on: mirror) }
        pair.mirrors[1].signal(SIGSTOP)
        try await push("one")
        try await pair.waitForRefs(of: "PRJ", "app", on: pair.mirrors[0])
        #expect(try await pair.mirrors[0].http.get("/status").status == 200)
        pair.mirrors[1].signal(SIGCONT)
        try await pair.waitForRefs(of: "PRJ", "app", on: pair.mirrors[1])
        try await pair.waitForAll(on: pair.mirrors[1])
        try await push("again")
        for mirror in pair.mirrors { try await pair.waitForRefs(of: "PRJ", "app", on: mirror) }
    }

    @Test func `the upstream computes one pack for all nodes that follow a push`() async throws {
        let pair = try await MirrorPair.start(nodes: 3, fill: MirrorPair.fill)
        @Sendable func packs(_ source: String) async throws -> Int {
            let lines = try await pair.primary.http.get("/metrics").text.split(separator: "\n")
            let line = lines.first { $0.hasPrefix("perigee_mirror_packs_total{source=\"\(source)\"}") }
            return Int(line?.split(separator: " ").last ?? "") ?? 0
        }
        for round in 0..<3 {
            let (made, kept) = (try await packs("made"), try await packs("kept"))
            try await pair.commit("round \(round)")
            try await pair.push("main")
            for mirror in pair.mirrors { try await pair.waitForRefs(of: "PRJ", "app", on: mirror) }
            #expect(try await packs("made") == made + 1)
            #expect(try await packs("kept") >= kept + 2)
        }
    }

    @Test func `who is cut off leaves the balancer while others are not, and stays when all are`()
        async throws
    {
        let pair = try await MirrorPair.start(nodes: 1, fill: Self.fill)
        let ownLine = try TCPProxy(to: pair.primary.port)
        let second = try await MirrorPair.startMirror(of: "http://127.0.0.1:\(ownLine.port)", name: "second")
        try await pair.waitForAll(on: second)
        try await waitUntil("two nodes that know of each other") {
            let status = try await pair.mirrors[0].http.get("/status").json()
            return status["memberCount"]?.stringValue == "2"
        }
        ownLine.behave(.blackHole)
        try await waitUntil("the node that is cut off to leave") {
            try await second.http.get("/status").status == 503
        }
        #expect(try await pair.mirrors[0].http.get("/status").status == 200)
        ownLine.behave(.forward)
        try await pair.waitForAll(on: second)
        // Longer than any lease: nobody can change anything, so both go on.
        ownLine.behave(.blackHole)
        pair.line.behave(.blackHole)
        try await waitUntil("both nodes without contact") {
            for node in [pair.mirrors[0], second] {
                let status = try await node.mirrorStatus()
                guard status["connected"]?.boolValue == false else { return false }
            }
            return true
        }
        await letTimePass(.seconds(12))
        for node in [pair.mirrors[0], second] { #expect(try await node.http.get("/status").status == 200) }
    }
}
