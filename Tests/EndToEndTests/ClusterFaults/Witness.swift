import Foundation
import NodeTestKit
import Portable
import Testing

/// A line of the plugin `com.example.witness` in a node's log.
struct WitnessNote: Sendable {
    /// The number of the node whose log it is in, from 0 on.
    let node: Int
    /// What happened, in a word.
    let kind: String
    /// The facts by name.
    let facts: [String: String]

    /// A fact.
    func text(_ name: String) throws -> String { try #require(facts[name]) }

    /// A fact that is a number.
    func number(_ name: String) throws -> Int64 { try #require(facts[name].flatMap { Int64($0) }) }

    /// When, in milliseconds since 1970.
    var at: Int64 { get throws { try number("at") } }

    init?(_ line: Substring, node: Int) {
        guard let start = line.range(of: " witness ") else { return nil }
        let words = line[start.upperBound...].split(separator: " ")
        guard let kind = words.first else { return nil }
        self.node = node
        self.kind = String(kind)
        facts = Dictionary(
            words.dropFirst().compactMap { word in
                let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
                return parts.count == 2 ? (parts[0], parts[1]) : nil
            }, uniquingKeysWith: { $1 })
    }
}

extension RunningCluster {
    /// Tells a node's plugin to do something.
    func order(_ node: Int, _ order: String) async throws {
        let key = ClusterFaultSuite.unique("O").uppercased()
        let answer = try await nodes[node].http.post(
            "/rest/api/latest/projects",
            ["key": .string(key), "name": .string("node\(node + 1) \(order)")])
        try #require(answer.status == 201, "\(answer.text)")
    }

    /// All that the plugin has said on any node, of one kind and with these facts.
    func notes(_ kind: String, _ facts: [String: String] = [:], on node: Int? = nil) -> [WitnessNote] {
        nodes.indices.filter { node == nil || $0 == node }.flatMap { number in
            nodes[number].log.split(separator: "\n").compactMap { line -> WitnessNote? in
                guard line.contains("perigee.plugin.com.example.witness"),
                    let note = WitnessNote(line, node: number), note.kind == kind,
                    facts.allSatisfy({ note.facts[$0.key] == $0.value })
                else { return nil }
                return note
            }
        }
    }

    /// Waits until the plugin has said something.
    /// - Parameter earlier: What it is to come after.
    func note(
        _ kind: String, _ facts: [String: String] = [:], on node: Int? = nil,
        after earlier: [WitnessNote] = []
    ) async throws -> WitnessNote {
        let last = try earlier.map { try $0.at }.max() ?? 0
        return try await waitFor("\"\(kind)\" with \(facts)", detail: { self.witnessed }) {
            try self.notes(kind, facts, on: node).first { try $0.at > last }
        }
    }

    /// Waits until so many wait for a lock of the plugin.
    func waitForWaiters(_ count: Int, lock: String) async throws {
        try await waitUntil("\(count) that wait for \(lock)", detail: { self.witnessed }) {
            for node in self.nodes where node.isRunning {
                let list = try await node.http.get(
                    "/rest/api/latest/admin/locks?namespace=com.example.witness")
                guard list.status == 200 else { continue }
                let held = try list.json()["values"]?.listValue ?? []
                return held.contains {
                    $0["name"] == .string("named/\(lock)")
                        && ($0["waiters"]?.integerValue ?? 0) >= Int64(count)
                }
            }
            return false
        }
    }

    /// What the plugin keeps below a prefix.
    func kept(_ prefix: String) async throws -> [String: PortableValue] {
        let path = "/rest/plugins/latest/com.example.witness/kv?limit=1000&prefix=\(prefix)"
        let list = try await nodes[0].http.get(path).json()["values"]?.listValue ?? []
        return Dictionary(
            list.map { ($0["key"]?.stringValue ?? "", $0["value"] ?? .null) }, uniquingKeysWith: { $1 })
    }

    /// The last lines of all nodes.
    var witnessed: String {
        nodes.map { node in
            node.log.split(separator: "\n").suffix(25).joined(separator: "\n")
        }.joined(separator: "\n\n")
    }

    /// Milliseconds since 1970.
    static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }
}
