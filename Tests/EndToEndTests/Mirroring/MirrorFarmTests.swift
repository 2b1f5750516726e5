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

    @Test func `the upstream computes one pack at most for all nodes that follow a push`() async throws {
        let pair = try await MirrorPair.start(nodes: 3, fill: MirrorPair.fill)
        // Nobody has asked for a pack of this repository since the primary started: from here on it is known
        // that somebody does.
        try await pair.commit("first")
        try await pair.push("main")
        for mirror in pair.mirrors { try await pair.waitForRefs(of: "PRJ", "app", on: mirror) }
        // More than goes through the node by itself: git makes the pack for the mirrors, once.
        let before = try await pair.packs()
        try await pair.pushNoise(bytes: 400_000)
        for mirror in pair.mirrors { try await pair.waitForRefs(of: "PRJ", "app", on: mirror) }
        let large = try await pair.packs()
        #expect(large["made"] == before["made", default: 0] + 1)
        #expect(large["kept", default: 0] >= before["kept", default: 0] + 2)
        // A small one is passed on as it came, along with the news.
        for round in 0..<3 {
            try await pair.commit("round \(round)")
            try await pair.push("main")
            for mirror in pair.mirrors { try await pair.waitForRefs(of: "PRJ", "app", on: mirror) }
        }
        let small = try await pair.packs()
        #expect(small["made"] == large["made"])
        #expect(small["along", default: 0] >= large["along", default: 0] + 9)
        // One that is too large for that, and yet small, is asked for.
        try await pair.pushNoise(bytes: 60_000)
        for mirror in pair.mirrors { try await pair.waitForRefs(of: "PRJ", "app", on: mirror) }
        let middle = try await pair.packs()
        #expect(middle["made"] == large["made"])
        #expect(middle["pushed", default: 0] >= small["pushed", default: 0] + 3)
        try await pair.expectEqual()
    }

    @Test func `a mirror that lacks what a push left out gets a pack of its own`() async throws {
        let pair = try await MirrorPair.start(fill: MirrorPair.fill)
        let mirror = pair.mirrors[0]
        try await pair.commit("seen")
        try await pair.push("main")
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        try await mirror.kill()
        // The client leaves the first commit out of the second push, as the primary has it from the first.
        try await pair.commit("never seen by itself")
        try await pair.push("HEAD:refs/heads/gone")
        try await pair.commit("on top of it")
        try await pair.push("HEAD:refs/heads/stays")
        try await pair.push(":refs/heads/gone")
        try await mirror.start()
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        try await pair.expectEqual()
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
