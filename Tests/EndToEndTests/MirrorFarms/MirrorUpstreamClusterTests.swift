import Foundation
import NodeTestKit
import Portable
import Testing

/// The upstream of a farm is a cluster, whose nodes answer the farm's questions in turn.
@Suite struct MirrorUpstreamClusterTests {
    @Test func `pushes to any node reach the farm, which compares once and remembers rights`() async throws {
        let cluster = try await SharedNodes.start(2)
        let balancer = try await Balancer.start(before: cluster.nodes)
        let git = try GitClient()
        try await MirrorPair.fill(cluster[0], git)
        var mirrors: [RunningNode] = []
        for number in 0..<2 {
            mirrors.append(try await MirrorPair.startMirror(of: balancer.url, name: "farm\(number)"))
        }
        let request = try await waitFor("a mirror that asks") { () -> PortableValue? in
            try await cluster[0].http.get("/rest/mirroring/latest/requests").json()["values"]?[0]
        }
        let pair = MirrorPair(
            primary: cluster[0], line: try TCPProxy(to: balancer.port), mirrors: mirrors, git: git,
            id: request["mirrorId"]?.stringValue ?? "")
        try await pair.accept()
        for mirror in mirrors { try await pair.waitForAll(on: mirror) }
        // Both nodes answer both nodes of the farm: else this test shows nothing.
        try await waitUntil("questions to both nodes") {
            cluster.nodes.allSatisfy { Self.count("/link", in: [$0]) > 4 }
        }
        for round in 0..<4 {
            try await pair.commit("round \(round)")
            try await git.succeed(
                "push", "--quiet", cluster[round].remote("PRJ", "app"), "main",
                "HEAD:refs/heads/r\(round)", in: "work")
            for mirror in mirrors { try await pair.waitForRefs(of: "PRJ", "app", on: mirror) }
        }
        let reader = RunningNode.administrator
        for mirror in mirrors {
            try await git.succeed("ls-remote", mirror.remote("PRJ", "app", user: reader))
        }
        // Nothing happens now: nobody compares anything, and a question stays open for its two seconds.
        let comparisons = Self.count("/catalogue", in: cluster.nodes)
        let questions = Self.count("/link", in: cluster.nodes)
        await letTimePass(.seconds(8))
        #expect(Self.count("/catalogue", in: cluster.nodes) == comparisons)
        #expect(Self.count("/link", in: cluster.nodes) - questions < 30)
        // What was allowed through either node is known when both are gone.
        for node in cluster.nodes { try await node.kill() }
        balancer.kill()
        for mirror in mirrors {
            let listed = try await git.succeed("ls-remote", mirror.remote("PRJ", "app", user: reader))
            #expect(listed.contains("refs/heads/r3"))
        }
    }

    /// How many requests nodes have answered whose paths have this in them.
    private static func count(_ text: String, in nodes: [RunningNode]) -> Int {
        nodes.map { node in
            node.log.split(separator: "\n").count { $0.contains("perigee.access") && $0.contains(text) }
        }.reduce(0, +)
    }
}
