import Foundation
import NodeTestKit
import Synchronization
import Testing

/// What an acknowledged push is worth: the disk loses its power while pushes go on, and comes back.
@Suite(
    .serialized,
    .enabled("needs root and loop devices, to mount a disk of its own") {
        await MountedDisk.isAvailable(.journaled)
    })
struct PowerCutTests {
    /// Keeps what it heard in the database, and tells of all that it has at each start.
    private static let record = """
        perigee.events.on("repo:refs_changed", function(event)
          for _, change in ipairs(event.changes) do
            perigee.kv.put("tip/" .. change.toHash, true)
            perigee.log.info("recorded " .. change.toHash)
          end
        end)
        perigee.plugin.on_start(function()
          for key in perigee.kv.each("tip/") do perigee.log.info("recorded " .. key:sub(5)) end
        end)
        """
    private static let manifest = """
        {"id": "com.example.record", "version": "1.0.0", "api": 1, "main": "main.lua",
         "permissions": {"events": ["repo:refs_changed"], "kv": "1MiB"}}
        """

    /// Pushes that were acknowledged: the ref and where it is now.
    private final class Acknowledged: Sendable {
        private let tips = Mutex<[String: String]>([:])
        var all: [String: String] { tips.withLock { $0 } }
        func add(_ ref: String, _ tip: String) { tips.withLock { $0[ref] = tip } }
    }

    @Test func `every acknowledged push is there after a power cut, and its event comes`() async throws {
        let node = try RunningNode.prepare()
        let disk = try await MountedDisk.make(.journaled, megabytes: 200, at: "home", in: node.directory)
        let plugin = "home/shared/plugins/installed-plugins/com.example.record"
        try node.directory.write(Self.manifest, to: "\(plugin)/plugin.json")
        try node.directory.write(Self.record, to: "\(plugin)/main.lua")
        try await disk.sync()
        // From here on nothing is synced but by the node itself.
        try await node.start()
        try await node.makeRepository("PRJ", "app")
        let acknowledged = Acknowledged()
        for (round, count) in [3, 8, 14].enumerated() {
            try await cut(disk, of: node, in: round, after: count, acknowledged)
            try await disk.mount()
            try await node.start()
            try await expectAll(acknowledged, on: node)
        }
        try await node.stop()
        try await disk.unmount()
    }

    @Test func `the same cut loses what plain git has acknowledged, so it is one`() async throws {
        let git = try GitClient()
        let disk = try await MountedDisk.make(.journaled, megabytes: 50, at: "disk", in: git.directory)
        let bare = "\(disk.path)/plain.git"
        try await git.succeed("init", "--quiet", "--bare", bare)
        try await disk.sync()
        try await git.makeRepository("work")
        var tips: [String] = []
        for number in 1...3 {
            tips.append(try await git.commit(in: "work", file: "\(number)", text: "\(number)\n"))
            try await git.succeed("push", "--quiet", bare, "HEAD:refs/heads/b\(number)", in: "work")
        }
        try disk.cutPower()
        try await disk.unmount()
        try await disk.mount()
        let left = try await git.run("for-each-ref", "--format=%(objectname)", in: bare)
        let fsck = try await git.run("fsck", "--full", "--strict", in: bare)
        let isWhole = fsck.succeeded && Set(left.output.split(separator: "\n").map(String.init)) == Set(tips)
        #expect(!isWhole, "all of \(tips) are there")
        try await disk.unmount()
    }

    /// Pushes from several clients at once until so many more were acknowledged, and cuts the power while
    /// they go on.
    private func cut(
        _ disk: MountedDisk, of node: RunningNode, in round: Int, after count: Int,
        _ acknowledged: Acknowledged
    ) async throws {
        let before = acknowledged.all.count
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<3 {
                group.addTask {
                    let git = try GitClient()
                    try await git.makeRepository("work")
                    for number in 0..<1000 {
                        let tip = try await git.commit(
                            in: "work", file: "file", text: "\(client) \(number)\n")
                        // A folder of refs of its own, and a branch that goes on.
                        let refs = [
                            "refs/heads/c\(round)-\(client)/\(number)", "refs/heads/n\(round)-\(client)",
                        ]
                        let push = try await git.run(
                            arguments: ["push", "--quiet", node.remote("PRJ", "app")]
                                + refs.map { "HEAD:\($0)" }, in: "work")
                        guard push.succeeded else { return }
                        for ref in refs { acknowledged.add(ref, tip) }
                    }
                }
            }
            try await waitUntil("\(count) pushes", detail: { node.standardError }) {
                acknowledged.all.count - before >= count
            }
            try disk.cutPower()
            try await node.kill()
            try await group.waitForAll()
        }
        try await disk.unmount()
    }

    private func expectAll(_ acknowledged: Acknowledged, on node: RunningNode) async throws {
        let git = try GitClient()
        let listed = try await git.succeed("ls-remote", node.remote("PRJ", "app"))
        var there: [String: String] = [:]
        for line in listed.split(separator: "\n") {
            let parts = line.split(separator: "\t").map(String.init)
            if parts.count == 2 { there[parts[1]] = parts[0] }
        }
        let repository = "\(node.home)/shared/data/repositories/1"
        for (ref, tip) in acknowledged.all {
            let current = try #require(there[ref], "\(ref) is gone")
            // A branch that goes on may have been pushed again by a client that was not told any more.
            let holds = try await git.run("merge-base", "--is-ancestor", tip, current, in: repository)
            #expect(holds.succeeded, "\(ref) is at \(current), not at \(tip)")
            if !ref.hasPrefix("refs/heads/n") { #expect(current == tip) }
        }
        let fsck = try await git.run("fsck", "--full", "--strict", "--no-dangling", in: repository)
        #expect(fsck.succeeded && fsck.output.isEmpty, "\(fsck.output)\(fsck.errors)")
        try await git.succeed("clone", "--quiet", "--mirror", node.remote("PRJ", "app"), "clone.git")
        for tip in Set(acknowledged.all.values) {
            try await waitUntil("the record of \(tip)", detail: { node.standardError }) {
                node.standardError.contains("recorded \(tip)")
            }
        }
    }
}
