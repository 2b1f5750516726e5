import Foundation
import Mirroring
import NodeTestKit
import Portable
import Testing

/// `mirror:repo_synchronized` tells of everything that a mirror shows from then on.
@Suite struct MirrorEventTests {
    /// Writes each event into the log: `raised SLUG TYPE LIMIT COUNT ACTOR HASH`.
    private static func listen(_ primary: RunningNode) async throws {
        try primary.installPlugin(
            "com.example.raised", permissions: #"{"events": ["mirror:repo_synchronized"]}"#,
            main: """
                perigee.events.on("mirror:repo_synchronized", function(event)
                  local change = event.changes[#event.changes] or {}
                  perigee.log.info(("raised %s %s %s %d %s %s."):format(event.repository.slug, event.syncType,
                    event.refLimitExceeded, #event.changes, event.actor and "actor" or "nobody",
                    change.toHash))
                end)
                """)
    }

    private static func events(_ primary: RunningNode, _ text: String) -> Int {
        primary.log.components(separatedBy: "raised \(text)").count - 1
    }

    private static func waitForEvent(_ pair: MirrorPair, _ text: String, more than: Int = 0) async throws {
        let primary = pair.primary
        try await waitUntil(
            "raised \(text)",
            detail: { "\(primary.log.suffix(2000)) \(pair.mirrors[0].log.suffix(2000))" }
        ) {
            events(primary, text) > than
        }
    }

    /// Who was called behind, as a busy machine may take long, has compared instead.
    private static func waitForPush(_ pair: MirrorPair, _ head: String, more than: Int) async throws {
        let primary = pair.primary
        try await waitUntil("the push's event", detail: { primary.log.suffix(3000).description }) {
            events(primary, "app incremental false 1 nobody \(head).") > 0
                || events(primary, "app snapshot") > than
        }
    }

    @Test func `it is raised for what comes at first, by pushes, and while the mirror was away`()
        async throws
    {
        let pair = try await MirrorPair.start(
            fill: { primary, git in
                try await MirrorPair.fill(primary, git)
                try await primary.makeRepository("PRJ", "second")
                try await git.succeed("push", "--quiet", primary.remote("PRJ", "second"), "main", in: "work")
            }, prepare: Self.listen)
        let unlisted = "snapshot true 0 nobody nil."
        try await Self.waitForEvent(pair, "app \(unlisted)")
        try await Self.waitForEvent(pair, "second \(unlisted)")
        let before = Self.events(pair.primary, "app snapshot")
        let head = try await pair.commit("pushed")
        try await pair.push("main")
        try await Self.waitForPush(pair, head, more: before)
        // Nobody waits for a mirror that is not there: it finds out by itself.
        try await pair.mirrors[0].stop()
        let known = Self.events(pair.primary, "app snapshot")
        try await pair.commit("meanwhile")
        try await pair.push("main")
        try await pair.mirrors[0].start()
        try await pair.waitForRefs(of: "PRJ", "app", on: pair.mirrors[0])
        try await Self.waitForEvent(pair, "app \(unlisted)", more: known)
        #expect(Self.events(pair.primary, "second") == 1)
    }

    @Test func `it is raised when every node of a farm has what comparisons brought`() async throws {
        let pair = try await MirrorPair.start(fill: MirrorPair.fill, prepare: Self.listen)
        let line = try TCPProxy(to: pair.primary.port)
        let second = try await MirrorPair.startMirror(of: "http://127.0.0.1:\(line.port)", name: "second")
        try await pair.waitForAll(on: second)
        try await Self.waitForEvent(pair, "app", more: 1)
        for mirror in [pair.mirrors[0], second] { try await mirror.stop() }
        let head = try await pair.commit("meanwhile")
        try await pair.push("main")
        let (id, before) = (try await pair.id(of: "app"), Self.events(pair.primary, "app"))
        // The second node comes back, and does not get any further.
        let folder = "\(second.home)/run/failpoints"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: "\(folder)/mirror-catalogue"))
        try await second.start()
        try await waitUntil("the second node there", detail: { second.log.suffix(3000).description }) {
            FileManager.default.fileExists(atPath: "\(folder)/mirror-catalogue.reached")
        }
        try await pair.mirrors[0].start()
        try await pair.waitForAll(on: pair.mirrors[0])
        #expect(try await pair.shows("refs/heads/main", at: head, of: id, on: pair.mirrors[0]))
        #expect(Self.events(pair.primary, "app") == before)
        try FileManager.default.removeItem(atPath: "\(folder)/mirror-catalogue")
        try await Self.waitForEvent(pair, "app", more: before)
        #expect(try await pair.shows("refs/heads/main", at: head, of: id, on: second))
    }

    @Test func `it is raised for pushes that come along with a change of the repository`() async throws {
        let pair = try await MirrorPair.start(fill: MirrorPair.fill, prepare: Self.listen)
        try await Self.waitForEvent(pair, "app")
        // While the mirror does not hear of the first, the others become one.
        pair.line.behave(.blackHole)
        var head = ""
        for round in 0..<3 {
            head = try await pair.commit("round \(round)")
            try await pair.push("main")
            let answer = try await pair.primary.http.put(
                "/rest/api/latest/projects/PRJ/repos/app", ["description": .string("round \(round)")])
            #expect(answer.status == 201)
        }
        let before = Self.events(pair.primary, "app snapshot")
        pair.line.behave(.forward)
        try await pair.waitForRefs(of: "PRJ", "app", on: pair.mirrors[0])
        try await Self.waitForPush(pair, head, more: before)
    }

    @Test func `a mirror may say by itself that it has a repository`() async throws {
        let pair = try await MirrorPair.start(fill: MirrorPair.fill, prepare: Self.listen)
        let identity = FarmIdentity(secret: MirrorPair.secret)
        let target = "/rest/mirroring/latest/mirrorServers/\(pair.id)/events"
        func send(_ body: PortableValue) async throws -> Int {
            let bytes = try JSON.encode(body)
            let now = Int64(Date().timeIntervalSince1970 * 1000)
            let token = try RequestToken.sign(
                RequestDigest(method: "POST", target: target, body: bytes), issuer: pair.id, node: "n",
                key: identity.key, now: now)
            return try await pair.primary.anonymous.send(
                "POST", target,
                headers: ["Authorization": "JWT \(token)", "Content-Type": "application/json"],
                body: Data(bytes)
            ).status
        }
        try await Self.waitForEvent(pair, "app")
        let (id, before) = (try await pair.id(of: "app"), Self.events(pair.primary, "app"))
        #expect(try await send(["type": "SYNCHRONIZED", "upstreamRepoId": .string("\(id)")]) == 204)
        try await Self.waitForEvent(pair, "app snapshot true 0 nobody nil.", more: before)
        let failed: PortableValue = ["type": "SYNCHRONIZATION_FAILED", "upstreamRepoId": .string("\(id)")]
        #expect(try await send(failed) == 204)
        #expect(try await send(["type": "OTHER", "upstreamRepoId": .string("\(id)")]) == 400)
        #expect(try await send(["type": "SYNCHRONIZED", "upstreamRepoId": "99999"]) == 404)
    }
}
