import Foundation
import NodeTestKit
import Portable
import Testing

/// Three nodes before one shared home: any of them serves any repository, as it is.
@Suite struct SharedRepositoryTests {
    /// A cluster with the repository `PRJ/app`, and a client with a working copy.
    private func makePlace(
        _ count: Int, _ properties: [String: String] = [:]
    ) async throws -> (nodes: SharedNodes, git: GitClient) {
        let nodes = try await SharedNodes.start(count, properties: properties)
        let git = try GitClient()
        try await nodes[0].makeRepository("PRJ", "app")
        try await git.makeRepository("work")
        try await git.succeed("push", "--quiet", nodes[0].remote("PRJ", "app"), "main", in: "work")
        return (nodes, git)
    }

    /// The tip of a branch as a node's REST API has it.
    private func tip(_ branch: String, on node: RunningNode) async throws -> String? {
        let answer = try await node.http.get(
            "/rest/api/latest/projects/PRJ/repos/app/branches?filterText=\(branch)&limit=1000")
        let values = try answer.json()["values"]?.listValue ?? []
        return values.first { $0["displayId"]?.stringValue == branch }?["latestCommit"]?.stringValue
    }

    @Test func `what one node took, the others serve at once, however quickly it changes`() async throws {
        let (nodes, git) = try await makePlace(3)
        // Every node has answered before, so that it has something to remember.
        for node in nodes.nodes {
            _ = try await git.succeed("ls-remote", node.remote("PRJ", "app"), in: "work")
            #expect(try await tip("main", on: node) != nil)
        }
        for round in 0..<12 {
            let commit = try await git.succeed(
                "commit-tree", "-p", "HEAD", "-m", "round \(round)", "HEAD^{tree}", in: "work")
            let remote = nodes[round].remote("PRJ", "app")
            try await git.succeed("push", "--quiet", "--force", remote, "\(commit):main", in: "work")
            for other in 1...2 {
                let node = nodes[round + other]
                let refs = try await git.succeed(
                    "ls-remote", node.remote("PRJ", "app"), "refs/heads/main", in: "work")
                #expect(refs == "\(commit)\trefs/heads/main", "round \(round)")
                #expect(try await tip("main", on: node) == commit, "round \(round)")
            }
        }
        try await nodes.stop()
    }

    @Test func `branches that are packed, removed and made again are the same on every node`() async throws {
        let (nodes, git) = try await makePlace(3)
        let head = try await git.succeed("rev-parse", "HEAD", in: "work")
        // So many that git packs them.
        let names = (0..<80).map { "refs/heads/many/\($0)" }
        try await git.succeed(
            arguments: ["push", "--quiet", nodes[1].remote("PRJ", "app")] + names.map { "\(head):\($0)" },
            in: "work")
        let id = try #require(
            try await nodes[0].http.get("/rest/api/latest/projects/PRJ/repos/app").json()["id"]?.integerValue)
        let folder = nodes.directory.path("shared/data/repositories/\(id)")
        for round in 0..<3 {
            try await git.succeed("--git-dir=\(folder)", "pack-refs", "--all")
            let gone = names[round]
            try await git.succeed(
                "push", "--quiet", nodes[round].remote("PRJ", "app"), ":\(gone)", in: "work")
            for node in nodes.nodes {
                let refs = try await git.succeed("ls-remote", node.remote("PRJ", "app"), in: "work")
                #expect(!refs.contains("\(gone)\n") && refs.contains("\(names[79])"), "round \(round)")
                #expect(try await tip("many/\(round)", on: node) == nil)
            }
            try await git.succeed(
                "push", "--quiet", nodes[round + 1].remote("PRJ", "app"), "\(head):\(gone)", in: "work")
            for node in nodes.nodes { #expect(try await tip("many/\(round)", on: node) == head) }
        }
        try await nodes.stop()
    }

    @Test func `the default branch and a deleted repository are known to every node`() async throws {
        let (nodes, git) = try await makePlace(2)
        try await git.succeed("push", "--quiet", nodes[0].remote("PRJ", "app"), "main:other", in: "work")
        for (node, other, branch) in [(0, 1, "other"), (1, 0, "main")] {
            let path = "/rest/api/latest/projects/PRJ/repos/app/branches/default"
            let id = "refs/heads/\(branch)"
            #expect(try await nodes[node].http.put(path, ["id": .string(id)]).status == 204)
            #expect(try await nodes[other].http.get(path).json()["id"]?.stringValue == id)
            let head = try await git.succeed(
                "ls-remote", "--symref", nodes[other].remote("PRJ", "app"), "HEAD", in: "work")
            #expect(head.contains("ref: \(id)\tHEAD"))
        }
        #expect(try await nodes[0].http.delete("/rest/api/latest/projects/PRJ/repos/app").status == 202)
        let outcome = try await git.run("ls-remote", nodes[1].remote("PRJ", "app"), in: "work")
        #expect(!outcome.succeeded && outcome.errors.contains("not found"), "\(outcome.errors)")
        try await nodes.stop()
    }

    @Test func `of pushes to one ref on three nodes exactly one wins, and the others are told`() async throws
    {
        let (nodes, git) = try await makePlace(3)
        var old = try await git.succeed("rev-parse", "HEAD", in: "work")
        let rounds = 6
        for round in 0..<rounds {
            var tips: [String] = []
            for node in 0..<3 {
                tips.append(
                    try await git.succeed(
                        "commit-tree", "-p", old, "-m", "round \(round) node \(node)", "\(old)^{tree}",
                        in: "work"))
            }
            let base = old
            let outcomes = try await withThrowingTaskGroup(of: (String, ProcessOutcome).self) { group in
                for (index, tip) in tips.enumerated() {
                    let remote = nodes[index].remote("PRJ", "app")
                    group.addTask {
                        (
                            tip,
                            try await git.run(
                                "push", "--force-with-lease=refs/heads/main:\(base)", remote,
                                "\(tip):refs/heads/main", in: "work")
                        )
                    }
                }
                return try await group.reduce(into: [String: ProcessOutcome]()) { $0[$1.0] = $1.1 }
            }
            let winners = outcomes.filter { $0.value.succeeded }.map(\.key)
            #expect(winners.count == 1, "round \(round)")
            for (tip, outcome) in outcomes where !winners.contains(tip) {
                #expect(outcome.errors.contains("rejected]"), "\(outcome.errors)")
            }
            old = try #require(winners.first)
            for node in nodes.nodes { #expect(try await tip("main", on: node) == old) }
        }
        let mirror = try await git.succeed(
            "clone", "--quiet", "--mirror", nodes[1].remote("PRJ", "app"), "mirror.git")
        #expect(mirror.isEmpty)
        try await git.succeed("fsck", "--full", "--strict", in: "mirror.git")
        #expect(
            try await git.succeed("rev-list", "--count", "main", in: "mirror.git") == "\(rounds + 1)")
        try await nodes.stop()
    }

    @Test func `no ref is lost of those that three nodes take at the same time`() async throws {
        let (nodes, git) = try await makePlace(3)
        let head = try await git.succeed("rev-parse", "HEAD", in: "work")
        let pushes = 24
        try await withThrowingTaskGroup(of: Void.self) { group in
            for push in 0..<pushes {
                let remote = nodes[push].remote("PRJ", "app")
                group.addTask {
                    let tip = try await git.succeed(
                        "commit-tree", "-p", head, "-m", "push \(push)", "\(head)^{tree}", in: "work")
                    try await git.succeed(
                        "push", "--quiet", remote, "\(tip):refs/heads/b\(push)",
                        "\(tip):refs/tags/t\(push)", in: "work")
                }
            }
            try await group.waitForAll()
        }
        let expected = 2 * pushes + 1
        var lists: Set<String> = []
        for node in nodes.nodes {
            let refs = try await git.succeed(
                "ls-remote", "--refs", node.remote("PRJ", "app"), in: "work")
            #expect(refs.split(separator: "\n").count == expected)
            lists.insert(refs)
        }
        #expect(lists.count == 1)
        try await git.succeed("clone", "--quiet", "--mirror", nodes[2].remote("PRJ", "app"), "all.git")
        try await git.succeed("fsck", "--full", "--strict", in: "all.git")
        try await nodes.stop()
    }

    @Test func `pushes go on when the node that took the last one is killed`() async throws {
        let (nodes, git) = try await makePlace(2)
        var tip = ""
        for round in 0..<4 {
            tip = try await git.commit(in: "work", file: "README.md", text: "round \(round)\n")
            let node = nodes[round]
            try await git.succeed("push", "--quiet", node.remote("PRJ", "app"), "main", in: "work")
            try await node.kill()
            let other = nodes[round + 1]
            #expect(try await self.tip("main", on: other) == tip)
            try await node.start()
        }
        #expect(try await self.tip("main", on: nodes[0]) == tip)
        try await nodes.stop()
    }
}
