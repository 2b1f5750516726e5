import Foundation
import NodeTestKit
import Portable
import Testing

extension MirrorPair {
    /// The project and its repository `app` that most tests begin with, and a working copy `work` of it.
    static func fill(_ primary: RunningNode, _ git: GitClient) async throws {
        try await primary.makeRepository("PRJ", "app")
        try await git.makeRepository("work")
        try await git.succeed("push", "--quiet", primary.remote("PRJ", "app"), "main", in: "work")
    }

    /// Pushes from the working copy to the primary, past the line between it and the mirrors.
    func push(_ arguments: String..., to repository: String = "app") async throws {
        try await git.succeed(
            arguments: ["push", "--quiet", primary.remote("PRJ", repository)] + arguments, in: "work")
    }

    /// A commit on the working copy's branch; gives its hash.
    @discardableResult
    func commit(_ message: String) async throws -> String {
        try await git.succeed("commit", "--quiet", "--allow-empty", "-m", message, in: "work")
        return try await git.succeed("rev-parse", "HEAD", in: "work")
    }

    /// Waits until every node of the mirror has the repositories of the primary, with the same names, rights
    /// and digests of refs, and nothing is missing behind the refs.
    func expectEqual(_ location: SourceLocation = #_sourceLocation) async throws {
        for mirror in mirrors {
            try await waitForAll(on: mirror)
            do {
                try await waitUntil("equal digests") {
                    try await facts(of: mirror) == facts(of: primary)
                }
            } catch {
                let (here, there) = (try await facts(of: mirror), try await facts(of: primary))
                for id in Set(here.keys).union(there.keys) where here[id] != there[id] {
                    Issue.record(
                        "\(id): \(here[id] ?? []), upstream \(there[id] ?? [])", sourceLocation: location)
                }
                let lines = mirror.log.split(separator: "\n").filter { !$0.contains("perigee.access") }
                Issue.record(
                    "\(lines.suffix(60).joined(separator: "\n"))", sourceLocation: location)
                throw error
            }
            let root = "\(mirror.home)/shared/data/repositories"
            for id in try await facts(of: primary).keys {
                let check = try await ChildProcess.run(
                    ["git", "--git-dir=\(root)/\(id)", "fsck", "--full", "--strict", "--no-dangling"],
                    environment: Executable.environment, directory: "/")
                #expect(check.status == 0, "\(check.errors)", sourceLocation: location)
            }
        }
    }

    /// By the repositories' ids: what they are called, who may read, and the refs as git reads them.
    private func facts(of node: RunningNode) async throws -> [Int64: [String]] {
        let page = try await node.localOperator.get("/rest/api/latest/repos?limit=1000").json()
        var facts: [Int64: [String]] = [:]
        for value in page["values"]?.listValue ?? [] {
            let id = value["id"]?.integerValue ?? 0
            facts[id] = [
                value["project"]?["key"]?.stringValue ?? "", value["slug"]?.stringValue ?? "",
                "\(value["public"]?.boolValue ?? false)",
                try await node.refsOnDisk("", "", as: id).refs,
            ]
        }
        return facts
    }

    /// Pushes a file that cannot be compressed.
    func pushNoise(bytes count: Int) async throws {
        let noise = (0..<count).map { _ in UInt8.random(in: 0...255) }
        try Data(noise).write(to: URL(fileURLWithPath: git.directory.path("work/noise")))
        try await git.succeed("add", "noise", in: "work")
        try await commit("noise")
        try await push("main")
    }

    /// How many packs the primary has given to mirrors since its start, by where they came from.
    func packs() async throws -> [String: Int] {
        let metric = "perigee_mirror_packs_total{source=\""
        var counts: [String: Int] = [:]
        for line in try await primary.http.get("/metrics").text.split(separator: "\n") {
            guard line.hasPrefix(metric) else { continue }
            let source = line.dropFirst(metric.count).prefix { $0 != "\"" }
            counts[String(source)] = Int(line.split(separator: " ").last ?? "")
        }
        return counts
    }

    /// What a node of the mirror says of its copy of a repository.
    func copy(_ id: Int64, on mirror: RunningNode) async throws -> PortableValue? {
        let target = "/rest/mirroring/latest/supportInfo/repoSyncStatus?limit=1000"
        let page = try await mirror.localOperator.get(target).json()
        return page["values"]?.listValue?.first { $0["localRepoId"]?.integerValue == id }
    }

    /// The id of a repository, which it has on the mirror, too.
    func id(of repository: String) async throws -> Int64 {
        try await primary.refsOnDisk("PRJ", repository).id
    }

    /// Whether a node's disk shows a ref at a hash.
    func shows(_ ref: String, at hash: String, of id: Int64, on node: RunningNode) async throws -> Bool {
        try await node.refsOnDisk("", "", as: id).refs.contains("\(hash) commit\t\(ref)\n")
    }
}
