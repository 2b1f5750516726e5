import Foundation
import NodeTestKit
import Testing

/// Two nodes on one home: the second refuses, and names the one that runs, not one that ran.
@Suite struct HomeLockTests {
    @Test func `a second node names the first, and a lock that a killed node left stops nobody`() async throws
    {
        let first = try await RunningNode.start()
        try await expectRefusal(naming: first)
        try await first.kill()
        let left = try FileManager.default.contentsOfDirectory(atPath: "\(first.home)/run")
        #expect(Set(left).isSuperset(of: ["lock", "node.json", "local-token"]))

        let second = try RunningNode.prepare(directory: first.directory)
        try await second.start()
        #expect(second.nodeID == first.nodeID)
        try await expectRefusal(naming: second)
        #expect(try await second.stop().status == 0)
        try await first.start()
        try await first.stop()
    }

    @Test func `a node that still starts is named as well`() async throws {
        let first = try RunningNode.prepare()
        for number in 0..<6 {
            try first.installPlugin("com.example.loop\(number)", main: "while true do end\n")
        }
        let process = try await first.launch()
        try await waitUntil("the first node's lock", detail: { process.errors }) {
            FileManager.default.contents(atPath: "\(first.home)/run/lock")?.isEmpty == false
        }
        let outcome = try await launch(in: first.directory)
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("process \(process.processID)"), "\(outcome.errors)")
        #expect(outcome.errors.contains("Stop that node"), "\(outcome.errors)")
        try await first.kill()
    }

    private func launch(in directory: TemporaryDirectory) async throws -> ProcessOutcome {
        let node = try RunningNode.prepare(directory: directory)
        try await node.launch()
        return try await node.waitForExit()
    }

    /// The refused node leaves the first one's files alone.
    private func expectRefusal(naming node: RunningNode) async throws {
        let file = "\(node.home)/run/node.json"
        let before = FileManager.default.contents(atPath: file)
        let outcome = try await launch(in: node.directory)
        #expect(outcome.status == 1)
        let holder =
            "is in use by node \(node.nodeID), process \(node.processID), \(node.url). Stop that node"
        #expect(outcome.errors.contains(holder), "\(outcome.errors)")
        #expect(FileManager.default.contents(atPath: file) == before)
        #expect(try await node.anonymous.get("/status").status == 200)
    }
}
