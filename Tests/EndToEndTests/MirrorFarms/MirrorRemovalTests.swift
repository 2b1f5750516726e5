import Foundation
import Logging
import NodeTestKit
import Portable
import SharedDatabase
import Testing

/// What the upstream told a mirror once means nothing when it begins anew with it.
@Suite struct MirrorRemovalTests {
    private static func decide(_ primary: RunningNode, _ arguments: String...) async throws {
        let outcome = try await primary.perigee(arguments: ["mirror"] + arguments + ["--home", primary.home])
        #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
    }

    private static func pushes(_ pair: MirrorPair, _ name: String) async throws {
        for round in 0..<3 {
            try await pair.commit("\(name) \(round)")
            try await pair.push("main", "HEAD:refs/heads/\(name)\(round)")
            try await pair.waitForRefs(of: "PRJ", "app", on: pair.mirrors[0])
        }
    }

    @Test func `a running mirror that is removed leaves the balancer, and follows when it is accepted again`()
        async throws
    {
        let pair = try await MirrorPair.start(fill: MirrorPair.fill)
        let (primary, mirror) = (pair.primary, pair.mirrors[0])
        try await Self.pushes(pair, "before")
        try await Self.decide(primary, "remove", pair.id)
        try await waitUntil("a removed mirror that leaves", detail: { mirror.log.suffix(3000).description }) {
            try await mirror.anonymous.get("/status").status == 503
        }
        #expect(try await mirror.mirrorStatus()["upstreamState"]?.stringValue != "INSTALLED")
        let requests = "/rest/mirroring/latest/requests"
        try await waitUntil("a mirror that asks again") {
            try await primary.http.get(requests).json()["size"]?.integerValue == 1
        }
        try await Self.decide(primary, "decline", pair.id)
        try await waitUntil("a mirror that knows that it was declined") {
            mirror.log.contains("the upstream's administrators have declined this mirror")
        }
        let listed = try await primary.perigee("mirror", "list", "--home", primary.home)
        #expect(listed.output.contains(pair.id) && listed.output.contains("REJECTED"), "\(listed.output)")
        try await pair.commit("while it was removed")
        try await pair.push("main")
        try await Self.decide(primary, "accept", pair.id, "--all-projects")
        try await pair.waitForAll(on: mirror)
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        try await Self.pushes(pair, "after")
        #expect(try await mirror.anonymous.get("/status").status == 200)
        #expect(!primary.log.contains("a node of a mirror is behind"))
        try await pair.expectEqual()
    }

    @Test func `a mirror follows an upstream whose database was set back`() async throws {
        let pair = try await MirrorPair.start(fill: MirrorPair.fill)
        let (primary, mirror) = (pair.primary, pair.mirrors[0])
        try await Self.pushes(pair, "before")
        try await primary.stop()
        try await waitUntil("a mirror without contact") {
            try await mirror.mirrorStatus()["connected"]?.boolValue == false
        }
        let database = try SharedDatabase.openSQLite(
            path: "\(primary.home)/shared/data/perigee.sqlite", logger: Logger(label: "test"))
        try await database.write { try $0.execute("DELETE FROM mirror_change") }
        await database.close()
        try await primary.start()
        pair.line.redirect(to: primary.port)
        try await waitUntil("a mirror that has heard of it", detail: { mirror.log.suffix(3000).description })
        {
            try await mirror.mirrorStatus()["connected"]?.boolValue == true
        }
        try await pair.waitForAll(on: mirror)
        try await Self.pushes(pair, "after")
        #expect(!primary.log.contains("a node of a mirror is behind"))
        try await pair.expectEqual()
    }
}
