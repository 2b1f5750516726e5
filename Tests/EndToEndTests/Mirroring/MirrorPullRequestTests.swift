import Foundation
import NodeTestKit
import Portable
import Testing

/// `refs/pull-requests/*` come to mirrors along with pushes, or by themselves where that is switched on.
@Suite struct MirrorPullRequestTests {
    private static let often = ["plugin.mirroring.synchronization.interval": "5"]

    /// Writes or removes such a ref on the primary's disk, as the server itself would: nobody is told.
    private static func write(_ pair: MirrorPair, _ id: Int64, _ arguments: String...) async throws {
        let path = "\(pair.primary.home)/shared/data/repositories/\(id)"
        try await pair.git.succeed(arguments: ["--git-dir=\(path)", "update-ref"] + arguments)
    }

    private static func pulls(_ id: Int64, on node: RunningNode) async throws -> [String] {
        let refs = try await node.refsOnDisk("", "", as: id).refs.split(separator: "\n")
        return refs.map(String.init).filter { $0.contains("\trefs/pull-requests/") }
    }

    @Test(arguments: [1, 2])
    func `refs of pull requests come along with the next push, and not before`(nodes: Int) async throws {
        let pair = try await MirrorPair.start(nodes: nodes, properties: Self.often, fill: MirrorPair.fill)
        let (mirror, id) = (pair.mirrors[0], try await pair.id(of: "app"))
        let first = try await pair.commit("first")
        try await pair.push("main")
        for mirror in pair.mirrors { try await pair.waitForRefs(of: "PRJ", "app", on: mirror) }
        try await Self.write(pair, id, "refs/pull-requests/1/from", first)
        // A comparison passes them over: one that has brought another repository has looked at this one, too.
        let off = try await pair.primary.perigee(
            "plugin", "disable", "mirroring", "--home", pair.primary.home)
        try #require(off.succeeded, "\(off.errors)")
        try await pair.primary.makeRepository("PRJ", "later")
        try await pair.push("main", to: "later")
        try await pair.waitForRefs(of: "PRJ", "later", on: mirror)
        #expect(try await Self.pulls(id, on: mirror).isEmpty)
        let on = try await pair.primary.perigee("plugin", "enable", "mirroring", "--home", pair.primary.home)
        try #require(on.succeeded, "\(on.errors)")

        try await pair.push("HEAD:refs/heads/second")
        for mirror in pair.mirrors {
            try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
            #expect(try await Self.pulls(id, on: mirror).count == 1)
        }
        try await Self.write(pair, id, "-d", "refs/pull-requests/1/from")
        try await Self.write(pair, id, "refs/pull-requests/2/merge", first)
        try await pair.push("HEAD:refs/heads/third")
        for mirror in pair.mirrors { try await pair.waitForRefs(of: "PRJ", "app", on: mirror) }
        #expect(try await Self.pulls(id, on: mirror) == ["\(first) commit\trefs/pull-requests/2/merge"])
        try await pair.expectEqual()
    }

    @Test func `where they are followed eagerly, a comparison brings and removes them`() async throws {
        let pair = try await MirrorPair.start(
            properties: Self.often, primary: ["plugin.mirroring.pull-requests.eager": "true"],
            fill: MirrorPair.fill)
        let (mirror, id) = (pair.mirrors[0], try await pair.id(of: "app"))
        let head = try await pair.git.succeed("rev-parse", "HEAD", in: "work")
        for number in 1...3 {
            try await Self.write(pair, id, "refs/pull-requests/\(number)/from", head)
        }
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        #expect(try await Self.pulls(id, on: mirror).count == 3)
        for number in 1...3 { try await Self.write(pair, id, "-d", "refs/pull-requests/\(number)/from") }
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        #expect(try await Self.pulls(id, on: mirror).isEmpty)
        try await pair.expectEqual()
    }
}
