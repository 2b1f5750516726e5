import Foundation
import NodeTestKit
import Portable
import Testing

/// Whatever breaks between a mirror and its upstream, the mirror is like the upstream afterwards.
@Suite struct MirrorFaultTests {
    private static let often = ["plugin.mirroring.synchronization.interval": "5"]

    @Test func `a change that nobody tells the mirror of comes with the next comparison`() async throws {
        let pair = try await MirrorPair.start(properties: Self.often, fill: MirrorPair.fill)
        let outcome = try await pair.primary.perigee(
            "plugin", "disable", "mirroring", "--home", pair.primary.home)
        try #require(outcome.succeeded, "\(outcome.errors)")
        try await pair.commit("untold")
        try await pair.push("main", "HEAD:refs/heads/side")
        try await pair.primary.makeRepository("PRJ", "untold")
        try await pair.push("main", to: "untold")
        try await pair.waitForRefs(of: "PRJ", "app", on: pair.mirrors[0])
        try await pair.waitForRefs(of: "PRJ", "untold", on: pair.mirrors[0])
        try await pair.push(":refs/heads/side")
        try await pair.waitForRefs(of: "PRJ", "app", on: pair.mirrors[0])
        try await pair.expectEqual()
    }

    @Test func `a mirror that is killed within a fetch begins it again`() async throws {
        let pair = try await MirrorPair.start(fill: MirrorPair.fill)
        let (mirror, id) = (pair.mirrors[0], try await pair.id(of: "app"))
        let file = URL(fileURLWithPath: pair.git.directory.path("work/large"))
        try FastImport.noise(bytes: 12_000_000).write(to: file)
        let head = try await pair.git.commit(in: "work", file: "small", text: "small\n")
        try await pair.git.succeed("add", "large", in: "work")
        try await pair.git.succeed("commit", "--quiet", "-m", "large", in: "work")
        let large = try await pair.git.succeed("rev-parse", "HEAD", in: "work")
        pair.line.behave(.delay(.milliseconds(40)))
        try await pair.push("main", "\(head):refs/heads/small")
        try await waitUntil("a part of the pack", detail: { mirror.log.suffix(3000).description }) {
            try await pair.copy(id, on: mirror)?["fetchedBytes"]?.integerValue ?? 0 > 0
        }
        try await mirror.kill()
        #expect(try await !pair.shows("refs/heads/main", at: large, of: id, on: mirror))
        pair.line.behave(.forward)
        try await mirror.start()
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        #expect(try await pair.shows("refs/heads/main", at: large, of: id, on: mirror))
        try await pair.expectEqual()
    }

    @Test func `what changes while the upstream is away comes when it is back`() async throws {
        let pair = try await MirrorPair.start(fill: MirrorPair.fill)
        let mirror = pair.mirrors[0]
        try await pair.push("HEAD:refs/heads/goes", "HEAD:refs/heads/stays")
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        // A cable that is pulled, for longer than a lease; then a process that is gone.
        pair.line.behave(.blackHole)
        try await pair.commit("unheard")
        try await pair.push("--force", "main", "HEAD~1:refs/heads/stays", ":refs/heads/goes")
        try await pair.primary.makeRepository("PRJ", "unheard")
        try await pair.push("main", to: "unheard")
        await letTimePass(.seconds(11))
        #expect(try await mirror.anonymous.get("/status").status == 200)
        pair.line.behave(.forward)
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        try await pair.waitForRefs(of: "PRJ", "unheard", on: mirror)
        try await pair.primary.kill()
        try await waitUntil("a mirror that has noticed") {
            try await mirror.mirrorStatus()["connected"]?.boolValue == false
        }
        try await pair.primary.start()
        pair.line.redirect(to: pair.primary.port)
        try await pair.commit("again")
        try await pair.push("main")
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        try await pair.expectEqual()
    }

    @Test func `a clock that is a little off does no harm, and one that is far off is named`() async throws {
        let pair = try await MirrorPair.start(fill: MirrorPair.fill)
        let folder = try TemporaryDirectory("clock")
        let clock = try FakedClock(file: folder.path("offset"))
        // Never below the right time: `libfaketime` lets no timer of Swift's end there.
        try clock.set("+300")
        let node = try await MirrorPair.startMirror(
            of: pair.primary.url, name: "clocked", environment: clock.environment)
        try await Self.waitForClock(node)
        #expect(node.log.contains("code=clock"), "\(node.log.suffix(2000))")
        for round in 0..<2 {
            try clock.set("+20")
            try await waitUntil("a node that is a little off", detail: { node.log.suffix(3000).description })
            {
                let nodes = try await pair.primary.http.get(
                    "/rest/mirroring/latest/mirrorServers/\(pair.id)/nodes"
                ).json().listValue
                let offset = nodes?.first { $0["name"]?.stringValue == "clocked" }?["clockOffset"]
                guard (15_000...21_000).contains(offset?.integerValue ?? 0) else { return false }
                return try await node.anonymous.get("/status").status == 200
            }
            try await pair.commit("near \(round)")
            try await pair.push("main")
            for mirror in pair.mirrors + [node] { try await pair.waitForRefs(of: "PRJ", "app", on: mirror) }
            guard round == 0 else { break }
            // The farm goes on without a node that is far off, and that node knows it.
            try clock.set("+300")
            try await Self.waitForClock(node)
            try await waitUntil("a node that has left", detail: { node.log.suffix(3000).description }) {
                try await node.anonymous.get("/status").status == 503
            }
            try await pair.commit("far")
            try await pair.push("main")
            try await pair.waitForRefs(of: "PRJ", "app", on: pair.mirrors[0])
        }
        var farm = pair
        farm.mirrors.append(node)
        try await farm.expectEqual()
    }

    private static func waitForClock(_ mirror: RunningNode) async throws {
        try await waitUntil("the clock as the reason", detail: { mirror.log.suffix(3000).description }) {
            let text = try await mirror.mirrorStatus()["lastError"]?.stringValue ?? ""
            return text.contains("request time differs from this server by") && text.contains("NTP")
        }
    }

    @Test(.enabled("needs root, to mount a small disk") { await MountedDisk.isAvailable(.memory) })
    func `a mirror whose disk is full says so, serves what it has, and catches up with room`() async throws {
        let pair = try await MirrorPair.start(fill: MirrorPair.fill)
        let small = try await Self.startOnSmallDisk(beside: pair)
        let (mirror, disk) = (small.node, small.disk)
        let id = try await pair.id(of: "app")
        try disk.fill()
        let file = URL(fileURLWithPath: pair.git.directory.path("work/noise"))
        try FastImport.noise(bytes: 2_000_000).write(to: file)
        try await pair.git.succeed("add", "noise", in: "work")
        let head = try await pair.commit("no room")
        try await pair.push("main")
        try await waitUntil("the reason", detail: { mirror.log.suffix(3000).description }) {
            let text = try await pair.copy(id, on: mirror)?["lastError"]?.stringValue ?? ""
            return text.lowercased().contains("no space left") || text.contains("disk is full")
        }
        #expect(try await !pair.shows("refs/heads/main", at: head, of: id, on: mirror))
        try await pair.git.succeed("clone", "--quiet", "--mirror", mirror.remote("PRJ", "app"), "read")
        // However often it has tried in vain: it lacks what the other node has.
        for round in 1...3 {
            try await waitUntil(
                "\(round) series of attempts", detail: { mirror.log.suffix(3000).description }
            ) {
                mirror.log.components(separatedBy: "left to the next comparison").count > round
            }
            // Without a link nobody gets anything, so that nobody leaves.
            var isFine = try await mirror.anonymous.get("/status").status == 503
            if !isFine { isFine = try await mirror.mirrorStatus()["connected"]?.boolValue == false }
            #expect(isFine, "round \(round) \(mirror.log.suffix(3000))")
        }
        // The farm's other node does not wait for it.
        try await pair.waitForRefs(of: "PRJ", "app", on: pair.mirrors[0])
        try disk.free()
        var farm = pair
        farm.mirrors.append(mirror)
        try await farm.expectEqual()
        #expect(try await pair.shows("refs/heads/main", at: head, of: id, on: mirror))
        try await mirror.stop()
        try await disk.unmount()
    }

    private static func startOnSmallDisk(
        beside pair: MirrorPair
    ) async throws -> (node: RunningNode, disk: MountedDisk) {
        var disk: MountedDisk?
        let node = try await MirrorPair.startMirror(
            of: pair.primary.url, name: "small",
            properties: often.merging(["plugin.mirroring.attempts.max": "2"]) { $1 }
        ) { node in
            disk = try await MountedDisk.make(
                .memory, megabytes: 8, at: "home/shared/data/repositories", in: node.directory)
        }
        try await pair.waitForAll(on: node)
        return (node, try #require(disk))
    }

    @Test func `a mirror that asks again is one request, and another with its name another one`()
        async throws
    {
        let pair = try await MirrorPair.start(accept: false, fill: MirrorPair.fill)
        @Sendable func requests() async throws -> [String] {
            let page = try await pair.primary.http.get("/rest/mirroring/latest/requests").json()
            return (page["values"]?.listValue ?? []).compactMap { $0["mirrorId"]?.stringValue }
        }
        for _ in 0..<2 { try await pair.mirrors[0].restart() }
        try await waitUntil("a mirror that has asked again") {
            pair.mirrors[0].log.contains("have to accept this mirror")
        }
        #expect(try await requests() == [pair.id])
        let other = try await MirrorPair.startMirror(
            of: pair.primary.url, name: "other",
            properties: ["plugin.mirroring.farm.secret": "what only the other mirror's farm knows"])
        try await waitUntil("two requests") { try await requests().count == 2 }
        try await pair.accept()
        try await pair.accept()
        try await pair.waitForAll(on: pair.mirrors[0])
        #expect(try await other.http.get("/status").status == 503)
        let mirrors = try await pair.primary.http.get("/rest/mirroring/latest/mirrorServers").json()
        #expect(mirrors["size"]?.integerValue == 1)
        try await pair.expectEqual()
    }

    @Test func `a repository that is broken on the upstream keeps no mirror out of its balancer`()
        async throws
    {
        let attempts = ["plugin.mirroring.attempts.max": "2"]
        let pair = try await MirrorPair.start(
            properties: attempts,
            fill: { primary, git in
                try await MirrorPair.fill(primary, git)
                try await primary.makeRepository("PRJ", "broken")
                try await git.succeed("push", "--quiet", primary.remote("PRJ", "broken"), "main", in: "work")
                let id = try await primary.refsOnDisk("PRJ", "broken").id
                let folder = "--git-dir=\(primary.home)/shared/data/repositories/\(id)"
                let text = """
                    tree 1234567890123456789012345678901234567890
                    author A <a@example.org> 1 +0000
                    committer A <a@example.org> 1 +0000

                    no tree

                    """
                let commit = try await git.succeed(
                    folder, "hash-object", "-t", "commit", "-w", "--stdin", "--literally",
                    input: Data(text.utf8))
                try await git.succeed(folder, "update-ref", "refs/heads/broken", commit)
            })
        let (mirror, id) = (pair.mirrors[0], try await pair.id(of: "broken"))
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        // `start` has waited until it served, so the attempts are used up.
        try await waitUntil("a line that says so", detail: { mirror.log.suffix(3000).description }) {
            mirror.log.contains("a repository is left to the next comparison")
        }
        let copy = try await pair.copy(id, on: mirror)
        #expect(copy?["lastError"]?.stringValue?.contains("the pack could not be made") == true)
        #expect(copy?["status"] == "ERROR_INITIALIZING")
        try await pair.commit("others go on")
        try await pair.push("main")
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        #expect(try await mirror.anonymous.get("/status").status == 200)
    }
}
