import Foundation
import NodeTestKit
import Portable
import Testing

/// The plugin `sdk/examples/branch-report`, as it is, on three nodes.
@Suite struct BranchReportTests {
    private static let id = "com.example.branch-report"

    private static func install(into shared: String) throws {
        let folder = shared + "/plugins/installed-plugins"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: "\(Executable.sourceRoot)/sdk/examples/branch-report", toPath: "\(folder)/\(Self.id)")
    }

    private func target(_ repository: Int64) -> String { "/plugins/\(Self.id)/report/\(repository)" }

    private func makeRepository(_ nodes: SharedNodes, _ name: String = "app") async throws -> Int64 {
        try await nodes[0].makeRepository("PRJ", name)
        let facts = try await nodes[0].http.get("/rest/api/latest/projects/PRJ/repos/\(name)").json()
        return try #require(facts["id"]?.integerValue)
    }

    /// Waits until a node's report counts so many branches; gives it.
    @discardableResult
    private func waitForBranches(
        _ count: Int64, of repository: Int64, on node: RunningNode
    ) async throws -> PortableValue {
        try await waitFor("a report of \(count) branches", detail: { node.standardError }) {
            () -> PortableValue? in
            let answer = try await node.http.get(target(repository))
            guard answer.status == 200 else { return nil }
            let report = try answer.json()
            // A bare `nil` here would be the value null, which is a report.
            guard report["branches"]?.integerValue == count else { return .none }
            return report
        }
    }

    @Test func `every node answers with what was pushed to any of them`() async throws {
        let nodes = try await SharedNodes.start(3, prepare: Self.install)
        let git = try GitClient()
        try await git.makeRepository("work")
        let repository = try await makeRepository(nodes)
        for node in nodes.nodes {
            #expect(
                try await node.http.get(target(repository)).json() == ["branches": 0, "newest": 0])
        }
        // Each node has it in its cache now, and has to hear that it changed.
        for push in 0..<6 {
            try await git.succeed(
                "push", "--quiet", nodes[push].remote("PRJ", "app"), "HEAD:refs/heads/b\(push)", in: "work")
            for node in nodes.nodes {
                let report = try await waitForBranches(Int64(push + 1), of: repository, on: node)
                #expect(
                    report["tip"]?.stringValue?.hasPrefix("refs/heads/b") == true,
                    "\(report) \(node.log.suffix(3000))")
                #expect(report["newest"]?.integerValue ?? 0 > 0)
            }
        }
        try await git.succeed(
            "push", "--quiet", nodes[1].remote("PRJ", "app"), ":b0", ":b1", in: "work")
        for node in nodes.nodes { try await waitForBranches(4, of: repository, on: node) }
        try await nodes.stop()
    }

    @Test func `pushes on all nodes at once end in one report that counts them all`() async throws {
        let nodes = try await SharedNodes.start(3, prepare: Self.install)
        let git = try GitClient()
        try await git.makeRepository("work")
        let repository = try await makeRepository(nodes)
        let pushes = 30
        try await withThrowingTaskGroup(of: Void.self) { group in
            for push in 0..<pushes {
                let remote = nodes[push].remote("PRJ", "app")
                group.addTask {
                    try await git.succeed(
                        "push", "--quiet", remote, "HEAD:refs/heads/b\(push)", in: "work")
                }
            }
            try await group.waitForAll()
        }
        for node in nodes.nodes { try await waitForBranches(Int64(pushes), of: repository, on: node) }
        // All tasks are done, none became a dead letter.
        try await waitUntil("the end of all tasks") {
            let executors = try await nodes[0].http.get("/rest/api/latest/admin/executors").json()
            let reports = executors["values"]?.listValue?.first { $0["name"] == "reports" }
            return reports?["waiting"] == 0 && reports?["dead"] == 0
        }
        for node in nodes.nodes {
            #expect(
                try await node.http.get(target(repository)).json()["branches"]?.integerValue == Int64(pushes))
        }
        try await nodes.stop()
    }

    @Test func `a push whose node is killed at once is in the report of the others`() async throws {
        let nodes = try await SharedNodes.start(3, prepare: Self.install)
        let git = try GitClient()
        try await git.makeRepository("work")
        let repository = try await makeRepository(nodes)
        for push in 0..<3 {
            let node = nodes[push]
            try await git.succeed(
                "push", "--quiet", node.remote("PRJ", "app"), "HEAD:refs/heads/b\(push)", in: "work")
            try await node.kill()
            // The event may not have become a task yet: it is the killed node's, which tells of it when it is
            // back. Until then the job that one of the others runs finds the branch.
            let other = nodes[push + 1]
            let run = try await other.http.send(
                "POST", "/rest/api/latest/admin/jobs/\(Self.id)/resync/run")
            #expect(run.status < 300, "\(run.text)")
            try await waitForBranches(Int64(push + 1), of: repository, on: other)
            try await waitForBranches(Int64(push + 1), of: repository, on: nodes[push + 2])
            try await node.start()
            try await waitForBranches(Int64(push + 1), of: repository, on: node)
        }
        try await nodes.stop()
    }

    @Test func `who may not read the repository gets no report, and learns nothing`() async throws {
        let nodes = try await SharedNodes.start(2, prepare: Self.install)
        let repository = try await makeRepository(nodes)
        try await nodes[0].makeUser("jane")
        for node in nodes.nodes {
            let jane = node.anonymous.basic("jane", "user-Passw0rd")
            let hidden = try await jane.get(target(repository))
            let absent = try await jane.get(target(repository + 1))
            #expect(hidden.status == 404 && absent.status == 404)
            #expect(
                hidden.text.replacing("\(repository)", with: "N")
                    == absent.text.replacing("\(repository + 1)", with: "N"))
            #expect(try await node.anonymous.get(target(repository)).status == 404)
            #expect(try await node.http.get(target(0)).status == 404)
            #expect(try await node.http.get("/plugins/\(Self.id)/report").status == 404)
            #expect(try await node.http.get("/plugins/com.example.other/report/1").status == 404)
            let posted = try await node.http.post(target(repository), [:])
            #expect(posted.status == 405 && posted.header("Allow") == "GET, HEAD")
            #expect(try await node.http.send("HEAD", target(repository)).status == 200)
        }
        try await nodes[1].grant("jane", "REPO_READ", project: "PRJ", repository: "app")
        let jane = nodes[0].anonymous.basic("jane", "user-Passw0rd")
        #expect(try await jane.get(target(repository)).status == 200)
        // A repository that goes takes its report along.
        #expect(try await nodes[0].http.delete("/rest/api/latest/projects/PRJ/repos/app").status == 202)
        for node in nodes.nodes { #expect(try await node.http.get(target(repository)).status == 404) }
        try await nodes.stop()
    }
}
