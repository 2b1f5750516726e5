import Foundation
import NodeTestKit
import Portable
import Testing

/// Nodes of a farm that are away for a while, and what they show when they are back.
@Suite struct MirrorAbsenceTests {
    /// A farm of two, whose second node has a line of its own.
    private static func start() async throws -> (pair: MirrorPair, line: TCPProxy) {
        var pair = try await MirrorPair.start(fill: MirrorPair.fill)
        let line = try TCPProxy(to: pair.primary.port)
        let second = try await MirrorPair.startMirror(of: "http://127.0.0.1:\(line.port)", name: "second")
        try await pair.waitForAll(on: second)
        pair.mirrors.append(second)
        try await pair.waitForFellows()
        return (pair, line)
    }

    @Test func `who comes back after its lease serves nothing older than its fellow does`() async throws {
        let (pair, line) = try await Self.start()
        let second = pair.mirrors[1]
        let id = try await pair.id(of: "app")
        second.signal(SIGSTOP)
        try await waitUntil("a lease that is over") { try await !pair.isAlive("second") }
        let head = try await pair.commit("while one is away")
        try await pair.push("main")
        try await pair.waitForRefs(of: "PRJ", "app", on: pair.mirrors[0])
        line.behave(.delay(.milliseconds(200)))
        second.signal(SIGCONT)
        try await waitUntil("the second node", detail: { second.log.suffix(3000).description }) {
            guard try await second.anonymous.get("/status").status == 200 else { return false }
            #expect(try await pair.shows("refs/heads/main", at: head, of: id, on: second))
            return true
        }
        line.behave(.forward)
        try await pair.expectEqual()
    }

    @Test func `who hears of nobody leaves the balancer, and who knows that its fellow died does not`()
        async throws
    {
        let (pair, line) = try await Self.start()
        let (first, second) = (pair.mirrors[0], pair.mirrors[1])
        // A fellow that answers nothing, with or without the upstream, looks the same from here.
        second.signal(SIGSTOP)
        pair.line.behave(.blackHole)
        try await waitUntil("a node that leaves", detail: { first.log.suffix(3000).description }) {
            try await first.anonymous.get("/status").status == 503
        }
        second.signal(SIGCONT)
        pair.line.behave(.forward)
        for mirror in pair.mirrors { try await pair.waitForAll(on: mirror) }
        try await pair.waitForFellows()
        // The machine says that the fellow is not there: only the upstream is missed.
        try await second.kill()
        pair.line.behave(.blackHole)
        line.behave(.blackHole)
        try await waitUntil("a node without contact") {
            try await first.mirrorStatus()["connected"]?.boolValue == false
        }
        await letTimePass(.seconds(5))
        #expect(try await first.anonymous.get("/status").status == 200, "\(first.log.suffix(3000))")
    }

    @Test func `what a farm is about to show is not shown by a comparison alone`() async throws {
        let pair = try await MirrorPair.start(nodes: 2, fill: MirrorPair.fill)
        let first = pair.mirrors[0]
        let id = try await pair.id(of: "app")
        try await waitUntil("a node that is waited for") { try await pair.isAwaited("node1") }
        let head = try await pair.commit("waits for the second node")
        pair.mirrors[1].signal(SIGSTOP)
        try await pair.push("main")
        let disk = "--git-dir=\(first.home)/shared/data/repositories/\(id)"
        try await waitUntil("the objects on the first node") {
            try await pair.git.run(disk, "cat-file", "-e", head).succeeded
        }
        // Every mirror compares everything.
        let changed = try await pair.primary.http.put(
            "/rest/api/latest/projects/PRJ", ["description": "changed"])
        #expect(changed.status == 200)
        try await pair.expectShown(head, of: id, on: first, onlyWithout: "node1")
        pair.mirrors[1].signal(SIGCONT)
        for mirror in pair.mirrors { try await pair.waitForAll(on: mirror) }
        try await pair.expectEqual()
    }

    @Test func `a rename does not show a push before the other node has it`() async throws {
        let pair = try await MirrorPair.start(nodes: 2, fill: MirrorPair.fill)
        let first = pair.mirrors[0]
        let id = try await pair.id(of: "app")
        let head = try await pair.commit("waits for the second node")
        try await waitUntil("a node that is waited for") { try await pair.isAwaited("node1") }
        pair.mirrors[1].signal(SIGSTOP)
        // So that the push is there when the node looks at what was renamed.
        pair.line.behave(.delay(.milliseconds(400)))
        let renamed = try await pair.primary.http.put(
            "/rest/api/latest/projects/PRJ/repos/app", ["name": "other"])
        #expect(renamed.status == 201)
        try await pair.push("main", to: "other")
        try await pair.expectShown(head, of: id, on: first, onlyWithout: "node1")
        pair.line.behave(.forward)
        pair.mirrors[1].signal(SIGCONT)
        for mirror in pair.mirrors { try await pair.waitForAll(on: mirror) }
        try await pair.expectEqual()
    }

    @Test func `pushes that wait for a mirror are fetched at once`() async throws {
        let pair = try await MirrorPair.start(fill: MirrorPair.fill)
        let mirror = pair.mirrors[0]
        try await pair.commit("first")
        try await pair.push("main")
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        let before = try await pair.fetches(of: mirror)
        #expect(before > 0)
        mirror.signal(SIGSTOP)
        for round in 0..<8 {
            try await pair.commit("round \(round)")
            try await pair.push("main", "HEAD:refs/heads/r\(round)")
        }
        mirror.signal(SIGCONT)
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        try await pair.expectEqual()
        // The first, all others, and one more should the machine be so slow that the mirror compares.
        #expect(try await pair.fetches(of: mirror) - before <= 3)
    }

    @Test func `a mirror runs no plugin but those that come with the program`() async throws {
        let plugin = { @Sendable (node: RunningNode) in
            try node.installPlugin("com.example.own", main: #"perigee.log.info("a plugin of our own runs")"#)
        }
        let primary = try RunningNode.prepare()
        try plugin(primary)
        try await primary.start()
        let mirror = try await MirrorPair.startMirror(of: primary.url, name: "office", prepare: plugin)
        try await waitUntil("the plugin on the primary") {
            primary.log.contains("a plugin of our own runs")
        }
        try await waitUntil("the mirror's plugin") { mirror.log.contains("no link with the upstream") }
        #expect(!mirror.log.contains("com.example.own") && !mirror.log.contains("a plugin of our own runs"))
    }
}

extension MirrorPair {
    /// Waits until each node has heard of the other.
    fileprivate func waitForFellows() async throws {
        for mirror in mirrors {
            try await waitUntil("nodes that know of each other") {
                try await mirror.anonymous.get("/status").json()["memberCount"]?.stringValue == "2"
            }
        }
    }

    /// Whether the upstream has heard of a node within its lease.
    fileprivate func isAlive(_ name: String) async throws -> Bool {
        let nodes = try await primary.http.get("/rest/mirroring/latest/mirrorServers/\(id)/nodes").json()
        return nodes.listValue?.first { $0["name"]?.stringValue == name }?["alive"]?.boolValue ?? false
    }

    /// Whether changes wait for a node.
    fileprivate func isAwaited(_ name: String) async throws -> Bool {
        let nodes = try await primary.http.get("/rest/mirroring/latest/mirrorServers/\(id)/nodes").json()
        let node = nodes.listValue?.first { $0["name"]?.stringValue == name }
        return node?["alive"]?.boolValue == true && node?["state"]?.stringValue == "SYNCHRONIZED"
    }

    /// Waits until a node shows a hash, and expects that nobody waits for another node by then.
    fileprivate func expectShown(
        _ head: String, of repository: Int64, on node: RunningNode, onlyWithout other: String,
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        try await waitUntil("the push on \(node.url)", detail: { node.log.suffix(3000).description }) {
            try await shows("refs/heads/main", at: head, of: repository, on: node)
        }
        #expect(try await !isAwaited(other), sourceLocation: location)
    }

    /// How many fetches of a node have gone well.
    fileprivate func fetches(of mirror: RunningNode) async throws -> Int {
        let metrics = try await mirror.localOperator.get("/metrics").text
        let line = metrics.split(separator: "\n").first {
            $0.hasPrefix(#"perigee_mirror_fetches_total{outcome="done"}"#)
        }
        return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
    }
}
