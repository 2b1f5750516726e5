import Foundation
import NodeTestKit
import Portable
import Testing

extension ClusterFaultSuite {
    /// Nodes that come and go, and those that may not come.
    @Suite struct NodeChangesTests {
        @Test func `plugins on the other nodes hear that a node has gone and has come`() async throws {
            let cluster = try await ClusterFaultSuite.healed
            for isKilled in [false, true] {
                let before = cluster.notes("removed") + cluster.notes("added")
                if isKilled {
                    try await cluster.nodes[2].kill()
                } else {
                    _ = try await cluster.nodes[2].stop()
                }
                var gone: [WitnessNote] = []
                for node in 0...1 {
                    gone.append(
                        try await cluster.note("removed", ["node": "node3"], on: node, after: before))
                }
                #expect(gone.allSatisfy { $0.facts["nodes"] == "node1,node2" && $0.facts["here"] == "false" })
                try await cluster.nodes[2].start()
                for node in 0...1 {
                    let come = try await cluster.note("added", ["node": "node3"], on: node, after: gone)
                    #expect(come.facts["nodes"] == "node1,node2,node3")
                }
            }
        }

        @Test func `every node tells of all nodes and of itself`() async throws {
            let cluster = try await ClusterFaultSuite.healed
            var seen: [[PortableValue]] = []
            for (number, node) in cluster.nodes.enumerated() {
                let answer = try await waitFor("the ports of all nodes") { () -> PortableValue? in
                    let answer = try await node.http.get("/rest/api/1.0/admin/cluster").json()
                    let ports = answer["nodes"]?.listValue?.compactMap {
                        $0["address"]?["port"]?.integerValue
                    }
                    return Set(ports ?? []) == Set(cluster.nodes.map { Int64($0.port) }) ? answer : nil
                }
                #expect(answer["running"] == true)
                let nodes = try #require(answer["nodes"]?.listValue)
                #expect(nodes.map { $0["name"]?.stringValue ?? "" }.sorted() == ["node1", "node2", "node3"])
                #expect(nodes.filter { $0["local"] == true } == [answer["localNode"] ?? .null])
                #expect(answer["localNode"]?["id"]?.stringValue == node.nodeID)
                #expect(answer["localNode"]?["name"] == .string("node\(number + 1)"))
                #expect(answer["localNode"]?["address"]?["port"] == .integer(Int64(node.port)))
                for member in nodes {
                    #expect(member["address"]?["hostName"]?.stringValue?.isEmpty == false)
                    #expect(member["buildVersion"]?.stringValue?.isEmpty == false)
                    let (joined, renewed) = (member["joinedDate"], member["renewedDate"])
                    #expect(try #require(joined?.integerValue) <= #require(renewed?.integerValue))
                }
                seen.append(nodes.sorted { $0["name"]?.stringValue ?? "" < $1["name"]?.stringValue ?? "" })
            }
            // All say the same of each, but for which is local, and what changes by the moment.
            let ids = seen.map { $0.map { [$0["id"], $0["incarnation"], $0["address"], $0["joinedDate"]] } }
            #expect(Set(ids).count == 1)
            #expect(Set(seen[0].compactMap { $0["id"]?.stringValue }).count == 3)
        }

        @Test func `a node with another shared home is refused, and told what differs`() async throws {
            let cluster = try await ClusterFaultSuite.healed
            let stranger = try RunningNode.prepare(properties: ["database.url": cluster.server.tcpURL()])
            try await stranger.launch()
            let end = try await stranger.waitForExit()
            #expect(end.status == 1)
            #expect(
                end.errors.contains(#/the shared home has the id ".+", the cluster's has ".+"\./#),
                "\(end.errors)")
            #expect(end.errors.contains("Mount the cluster's shared home, or use another database"))
            #expect(try await cluster.nodes[0].members == ["node1", "node2", "node3"])
        }

        @Test func `a node of a version too far away is refused, and told what differs`() async throws {
            let cluster = try await ClusterFaultSuite.healed
            let change = "UPDATE cluster_node SET generation = generation"
            try await cluster.server.psql("\(change) + 5, version = '99.0' WHERE name = 'node2'")
            let stranger = try RunningNode.prepare(
                properties: ["cluster.lease": "2", "server.database-check-interval": "1"],
                arguments: ["--property", "database.url=\(cluster.server.tcpURL())"],
                sharedHome: cluster.sharedHome)
            try await stranger.launch()
            let end = try await stranger.waitForExit()
            try await cluster.server.psql("\(change) - 5 WHERE name = 'node2'")
            #expect(end.status == 1)
            #expect(
                end.errors.contains(
                    #/this node runs version .+ \(generation \d+\), node "node2" runs 99\.0 /#),
                "\(end.errors)")
            #expect(end.errors.contains("Upgrade by one generation at a time"))
            #expect(try await cluster.nodes[0].members == ["node1", "node2", "node3"])
        }
    }
}
