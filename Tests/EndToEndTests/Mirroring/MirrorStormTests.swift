import Foundation
import NodeTestKit
import Portable
import Testing

/// Much happens at once, and a mirror shows nothing that is not whole.
@Suite struct MirrorStormTests {
    private static let base = "/rest/api/latest/projects"

    @Test func `pushes, deletions, renames and changes of visibility in the middle of fetches`()
        async throws
    {
        let pair = try await MirrorPair.start(nodes: 2, fill: MirrorPair.fill)
        for name in ["one", "two"] {
            try await pair.primary.makeRepository("PRJ", name)
            try await pair.push("main", to: name)
        }
        // Fetches take a while, so that most of what follows happens during some.
        pair.line.behave(.delay(.milliseconds(30)))
        let http = pair.primary.http
        for round in 0..<6 {
            try await pair.commit("round \(round)")
            try await pair.push("main", "HEAD:refs/heads/r\(round)")
            try await pair.push("HEAD:refs/heads/r\(round)", to: "one")
            let isPublic: PortableValue = ["public": .bool(round.isMultiple(of: 2))]
            #expect(try await http.put("\(Self.base)/PRJ/repos/one", isPublic).status < 300)
            try await pair.git.succeed(
                "commit", "--quiet", "--amend", "--allow-empty", "-m", "other \(round)", in: "work")
            try await pair.push("--force", "main", ":refs/heads/r\(round)")
            let name: PortableValue = ["name": .string("renamed\(round)")]
            let former = round == 0 ? "two" : "renamed\(round - 1)"
            #expect(try await http.put("\(Self.base)/PRJ/repos/\(former)", name).status < 300)
            try await pair.push("--force", "main", to: "renamed\(round)")
            try await pair.primary.makeRepository("PRJ", "short\(round)")
            try await pair.push("main", to: "short\(round)")
            if round != 3 {
                #expect(try await http.delete("\(Self.base)/PRJ/repos/short\(round)").status < 300)
            }
            if round == 2 { try await pair.mirrors[1].kill() }
        }
        try await pair.mirrors[1].start()
        pair.line.behave(.forward)
        try await pair.expectEqual()
    }

    /// A client of a farm lists refs by one node and gets their objects from another. `PERIGEE_MIRROR_READS`
    /// says how often.
    @Test func `no reader of a farm is shown a ref whose objects it cannot get`() async throws {
        let variable = ProcessInfo.processInfo.environment["PERIGEE_MIRROR_READS"]
        let reads = variable.flatMap { Int($0) } ?? 60
        let pair = try await MirrorPair.start(nodes: 2, fill: MirrorPair.fill)
        let id = try await pair.id(of: "app")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var round = 0
                while !Task.isCancelled {
                    try await Self.change(pair, round)
                    round += 1
                }
            }
            for reader in 0..<2 {
                group.addTask {
                    for read in 0..<(reads + 1) / 2 {
                        try await Self.read(pair, from: (reader + read) % 2, id, "r\(reader)-\(read)")
                    }
                }
            }
            for _ in 0..<2 { try await group.next() }
            group.cancelAll()
            try? await group.waitForAll()
        }
        try await pair.expectEqual()
    }

    /// Commits with files, force pushes, branches that come and go.
    private static func change(_ pair: MirrorPair, _ round: Int) async throws {
        if round % 5 == 4 {
            try await pair.git.succeed("reset", "--quiet", "--hard", "HEAD~2", in: "work")
        }
        let text = "\(round)\n"
        try await pair.git.commit(in: "work", file: "d\(round % 7)/f", text: text, message: "r\(round)")
        let gone = round % 4 == 3 ? [":refs/heads/b\(round - 1)"] : []
        try await pair.git.succeed(
            arguments: ["push", "--quiet", "--force", pair.primary.remote("PRJ", "app"), "main"]
                + ["HEAD:refs/heads/b\(round)"] + gone, in: "work")
    }

    /// Lists the refs that a node shows, and gets all of them, with their history, from the other one; and
    /// looks at the first one's disk.
    private static func read(_ pair: MirrorPair, from node: Int, _ id: Int64, _ name: String) async throws {
        let (shown, asked) = (pair.mirrors[node], pair.mirrors[1 - node])
        let git = pair.git
        let disk = "--git-dir=\(shown.home)/shared/data/repositories/\(id)"
        let tips = try await git.succeed(disk, "for-each-ref", "--format=%(objectname)")
        try await git.succeed(
            disk, "rev-list", "--objects", "--quiet", "--stdin", input: Data((tips + "\n").utf8))
        let listed = try await git.succeed("ls-remote", shown.remote("PRJ", "app"))
        let wanted = Set(listed.split(separator: "\n").compactMap { $0.split(separator: "\t").first })
        try await git.succeed("init", "--quiet", "--bare", name)
        try await git.succeed(
            arguments: ["fetch", "--quiet", asked.remote("PRJ", "app")] + wanted.map(String.init), in: name)
        let input = Data(wanted.joined(separator: "\n").utf8 + [UInt8(ascii: "\n")])
        try await git.succeed("rev-list", "--objects", "--quiet", "--stdin", in: name, input: input)
        try FileManager.default.removeItem(atPath: git.directory.path(name))
    }

    @Test func `mirror repo_synchronized is raised when all nodes show the refs, and not before`()
        async throws
    {
        let pair = try await MirrorPair.start(
            fill: MirrorPair.fill,
            prepare: { primary in
                try primary.installPlugin(
                    "com.example.synchronized",
                    permissions: #"{"events": ["mirror:repo_synchronized"]}"#,
                    main: """
                        perigee.events.on("mirror:repo_synchronized", function(event)
                          local change = event.changes[1] or {}
                          perigee.log.info("synchronized " .. tostring(change.toHash))
                        end)
                        """)
            })
        let line = try TCPProxy(to: pair.primary.port)
        let second = try await MirrorPair.startMirror(of: "http://127.0.0.1:\(line.port)", name: "second")
        try await pair.waitForAll(on: second)
        let id = try await pair.id(of: "app")
        let nodes = [pair.mirrors[0], second]
        for round in 0..<3 {
            // The second node hears nothing for a while: less than its lease, and than it is waited for.
            line.behave(.blackHole)
            let head = try await pair.commit("round \(round)")
            try await pair.push("main")
            let objects = "\(pair.mirrors[0].home)/shared/data/repositories/\(id)"
            try await waitUntil("the objects on the first node") {
                try await pair.git.run("--git-dir=\(objects)", "cat-file", "-e", head).succeeded
            }
            line.behave(.forward)
            try await waitUntil("the event", detail: { pair.primary.log.suffix(3000).description }) {
                pair.primary.log.contains("synchronized \(head)")
            }
            for node in nodes {
                // Who was called behind, as a busy machine may take long, serves nobody until it shows it.
                var isFine = try await pair.shows("refs/heads/main", at: head, of: id, on: node)
                if !isFine { isFine = try await node.anonymous.get("/status").status == 503 }
                if !isFine { isFine = try await pair.shows("refs/heads/main", at: head, of: id, on: node) }
                #expect(isFine, "round \(round), \(node.log.suffix(2000))")
            }
            try await pair.waitForAll(on: second)
        }
        try await pair.expectEqual()
    }
}
