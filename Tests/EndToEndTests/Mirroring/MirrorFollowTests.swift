import Foundation
import NodeTestKit
import Portable
import Testing

/// A mirror becomes and stays like its upstream, whatever happens there.
@Suite struct MirrorFollowTests {
    private static func push(
        _ pair: MirrorPair, _ arguments: String..., to repository: String = "app"
    ) async throws {
        try await pair.git.succeed(
            arguments: ["push", "--quiet", pair.primary.remote("PRJ", repository)] + arguments, in: "work")
    }

    private static func fill(_ primary: RunningNode, _ git: GitClient) async throws {
        try await primary.makeRepository("PRJ", "app")
        try await git.makeRepository("work")
        try await git.succeed("push", "--quiet", primary.remote("PRJ", "app"), "main", in: "work")
    }

    @Test func `what is there comes at first, and then every change of a ref`() async throws {
        let pair = try await MirrorPair.start(fill: Self.fill)
        let mirror = pair.mirrors[0]
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        for round in 0..<3 {
            try await pair.git.succeed(
                "commit", "--quiet", "--allow-empty", "-m", "round \(round)", in: "work")
            try await pair.git.succeed("tag", "-m", "a tag", "v\(round)", in: "work")
            try await Self.push(pair, "HEAD:refs/heads/topic/\(round)", "v\(round)", "main")
            try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        }
        try await pair.git.succeed("reset", "--quiet", "--hard", "HEAD~2", in: "work")
        try await pair.git.succeed("commit", "--quiet", "--allow-empty", "-m", "other", in: "work")
        try await Self.push(pair, "--force", "main", ":refs/heads/topic/1", ":refs/tags/v0")
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        let (id, refs) = try await mirror.refsOnDisk(
            "PRJ", "app", as: try await pair.primary.refsOnDisk("PRJ", "app").id)
        #expect(!refs.contains("topic/1") && !refs.contains("refs/tags/v0") && refs.contains("topic/2"))
        // Nothing is missing behind the refs.
        let check = try await ChildProcess.run(
            ["git", "--git-dir=\(mirror.home)/shared/data/repositories/\(id)", "fsck", "--full", "--strict"],
            environment: Executable.environment, directory: "/")
        #expect(check.status == 0, "\(check.errors)")
    }

    @Test func `repositories that are made, renamed, moved and deleted follow`() async throws {
        let pair = try await MirrorPair.start(fill: Self.fill)
        let mirror = pair.mirrors[0]
        let base = "/rest/api/latest/projects"
        try await pair.primary.makeRepository("PRJ", "second")
        try await Self.push(pair, "main", to: "second")
        try await pair.waitForRefs(of: "PRJ", "second", on: mirror)
        let copies = "/rest/mirroring/latest/supportInfo/repoSyncStatus"
        @Sendable func names() async throws -> Set<String> {
            let page = try await mirror.http.get("/rest/api/latest/repos?limit=100").json()
            return Set(
                (page["values"]?.listValue ?? []).compactMap { value in
                    guard let key = value["project"]?["key"]?.stringValue else { return nil }
                    return "\(key)/\(value["slug"]?.stringValue ?? "")"
                })
        }
        @Sendable func expectNames(_ wanted: Set<String>) async throws {
            try await waitUntil("\(wanted) on the mirror", detail: { mirror.log.suffix(2000).description }) {
                try await names() == wanted
            }
        }
        try await expectNames(["PRJ/app", "PRJ/second"])
        // Names change places: neither may be in the other's way.
        for (from, to) in [("app", "third"), ("second", "app"), ("third", "second")] {
            let answer = try await pair.primary.http.put("\(base)/PRJ/repos/\(from)", ["name": .string(to)])
            #expect(answer.status == 201)
        }
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        let ids = try await pair.primary.http.get("\(base)/PRJ/repos/app").json()["id"]
        try await waitUntil("the names to have changed places") {
            try await mirror.http.get("\(base)/PRJ/repos/app").json()["id"] == ids
        }
        try await pair.primary.makeProject("NEW")
        let moved = try await pair.primary.http.put(
            "\(base)/PRJ/repos/second", ["project": ["key": "NEW"]])
        #expect(moved.status == 201)
        try await expectNames(["PRJ/app", "NEW/second"])
        #expect(try await pair.primary.http.delete("\(base)/NEW/repos/second").status < 300)
        try await expectNames(["PRJ/app"])
        try await waitUntil("one repository on the mirror") {
            try await mirror.http.get(copies).json()["size"]?.integerValue == 1
        }
    }

    @Test func `a mirror that is killed, and an upstream that goes away, lose nothing`() async throws {
        let pair = try await MirrorPair.start(fill: Self.fill)
        let mirror = pair.mirrors[0]
        for round in 0..<4 {
            try await pair.git.succeed(
                "commit", "--quiet", "--allow-empty", "-m", "round \(round)", in: "work")
            try await Self.push(pair, "main", "HEAD:refs/heads/b\(round)")
            if round.isMultiple(of: 2) {
                try await mirror.kill()
                try await mirror.start()
            } else {
                try await pair.primary.kill()
                try await pair.primary.start()
                pair.line.redirect(to: pair.primary.port)
            }
            try await pair.waitForAll(on: pair.mirrors[0])
            try await pair.waitForRefs(of: "PRJ", "app", on: pair.mirrors[0])
        }
    }

    @Test func `chosen projects come and go, and come again`() async throws {
        let pair = try await MirrorPair.start(accept: false) { primary, git in
            try await Self.fill(primary, git)
            try await primary.makeRepository("OTHER", "lib")
            try await git.succeed("push", "--quiet", primary.remote("OTHER", "lib"), "main", in: "work")
        }
        let mirror = pair.mirrors[0]
        try await pair.accept(mode: "SELECTED_PROJECTS")
        try await pair.waitForAll(on: mirror)
        let settings = "/rest/mirroring/latest/mirrorServers/\(pair.id)/syncSettings"
        @Sendable func count() async throws -> Int64? {
            try await mirror.http.get("/rest/mirroring/latest/supportInfo/repoSyncStatus").json()["size"]?
                .integerValue
        }
        #expect(try await count() == 0)
        let project = try await pair.primary.http.get("/rest/api/latest/projects/PRJ").json()["id"]
        let number = String(try #require(project?.integerValue))
        for round in 0..<2 {
            let chosen = try await pair.primary.http.put(settings, ["projectIds": [.string(number)]])
            #expect(chosen.status == 200)
            try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
            #expect(try await count() == 1)
            #expect(try await pair.primary.http.put(settings, ["mode": "ALL_PROJECTS"]).status == 200)
            try await pair.waitForRefs(of: "OTHER", "lib", on: mirror)
            let none: PortableValue = ["mode": "SELECTED_PROJECTS", "projectIds": []]
            let emptied = try await pair.primary.http.put("\(settings)?confirm=true", none)
            #expect(emptied.status == 200, "round \(round)")
            try await waitUntil("an empty mirror") { try await count() == 0 }
        }
    }

    @Test func `a new default branch follows at once, and a clone checks it out when the old one is gone`()
        async throws
    {
        // Comparisons come too late for this test.
        let pair = try await MirrorPair.start(
            properties: ["plugin.mirroring.synchronization.interval": "3600"]
        ) { primary, git in
            try await Self.fill(primary, git)
            try await git.succeed(
                "push", "--quiet", primary.remote("PRJ", "app"), "HEAD:refs/heads/next", in: "work")
            let target = "/rest/api/latest/projects/PRJ/repos/app/branches/default"
            #expect(try await primary.http.put(target, ["id": "refs/heads/main"]).status == 204)
        }
        let (primary, mirror) = (pair.primary, pair.mirrors[0])
        let id = try await pair.id(of: "app")
        let head = "\(mirror.home)/shared/data/repositories/\(id)/HEAD"
        #expect(try String(contentsOfFile: head, encoding: .utf8) == "ref: refs/heads/main\n")
        let target = "/rest/api/latest/projects/PRJ/repos/app/branches/default"
        #expect(try await primary.http.put(target, ["id": "refs/heads/next"]).status == 204)
        try await waitUntil("the new HEAD", detail: { mirror.log.suffix(3000).description }) {
            try String(contentsOfFile: head, encoding: .utf8) == "ref: refs/heads/next\n"
        }
        try await Self.push(pair, ":refs/heads/main")
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        try await pair.git.succeed("clone", "--quiet", mirror.remote("PRJ", "app"), "cloned")
        #expect(try await pair.git.succeed("branch", "--show-current", in: "cloned") == "next")
    }

    @Test func `a comparison leaves alone what was renamed or deleted while it looked`() async throws {
        let pair = try await MirrorPair.start(
            properties: [
                "plugin.mirroring.synchronization.interval": "5", "logging.logger.perigee.plugin": "DEBUG",
            ]
        ) { primary, git in
            try await Self.fill(primary, git)
            try await primary.makeRepository("PRJ", "gone")
            try await git.succeed("push", "--quiet", primary.remote("PRJ", "gone"), "main", in: "work")
        }
        let (primary, mirror) = (pair.primary, pair.mirrors[0])
        let folder = "\(mirror.home)/run/failpoints"
        let place = "\(folder)/mirror-catalogue"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: place))
        try await waitUntil("a comparison that has looked") {
            FileManager.default.fileExists(atPath: "\(place).reached")
        }
        @Sendable func names() async throws -> Set<String> {
            let page = try await mirror.localOperator.get("/rest/api/latest/repos?limit=100").json()
            return Set((page["values"]?.listValue ?? []).compactMap { $0["slug"]?.stringValue })
        }
        let base = "/rest/api/latest/projects/PRJ/repos"
        #expect(try await primary.http.put("\(base)/app", ["name": "renamed"]).status == 201)
        #expect(try await primary.http.delete("\(base)/gone").status < 300)
        try await waitUntil("both on the mirror") { try await names() == ["renamed"] }
        // Made again by a comparison that does not look what has happened, until the next one.
        let compared = mirror.log.components(separatedBy: "differing=").count
        try FileManager.default.removeItem(atPath: place)
        var seen: Set<Set<String>> = []
        while mirror.log.components(separatedBy: "differing=").count == compared {
            seen.insert(try await names())
        }
        seen.insert(try await names())
        #expect(seen == [["renamed"]])
        try await pair.expectEqual()
    }
}
