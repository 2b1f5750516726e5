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
}
