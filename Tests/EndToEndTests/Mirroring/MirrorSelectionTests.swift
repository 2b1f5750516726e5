import Foundation
import NodeTestKit
import Portable
import Testing

/// What goes from a mirror's disks is said before it goes.
@Suite struct MirrorSelectionTests {
    private static let root = "/rest/mirroring/latest"

    private static func fill(_ primary: RunningNode, _ git: GitClient) async throws {
        try await git.makeRepository("work")
        for key in ["ONE", "TWO"] {
            try await primary.makeRepository(key, "app")
            try await git.succeed("push", "--quiet", primary.remote(key, "app"), "main", in: "work")
        }
    }

    @Test func `a change by which copies go says which, and waits for a confirmation`() async throws {
        let pair = try await MirrorPair.start(fill: Self.fill)
        let (primary, mirror) = (pair.primary, pair.mirrors[0])
        for key in ["ONE", "TWO"] { try await pair.waitForRefs(of: key, "app", on: mirror) }
        func number(_ key: String) async throws -> String {
            let id = try await primary.http.get("/rest/api/latest/projects/\(key)").json()["id"]
            return String(try #require(id?.integerValue))
        }
        let (one, two) = (try await number("ONE"), try await number("TWO"))
        @Sendable func count() async throws -> Int64? {
            try await mirror.http.get("\(Self.root)/supportInfo/repoSyncStatus").json()["size"]?
                .integerValue
        }
        let settings = "\(Self.root)/mirrorServers/\(pair.id)/syncSettings"
        let some: PortableValue = ["mode": "SELECTED_PROJECTS", "projectIds": [.string(one)]]
        let looked = try await primary.http.put("\(settings)?dryRun=true", some).json()
        #expect(looked["removed"]?["count"] == 1 && looked["mode"] == "SELECTED_PROJECTS")
        #expect(looked["removed"]?["repositories"]?[0]?["project"]?["key"] == "TWO")
        let refused = try await primary.http.put(settings, some)
        #expect(
            refused.status == 409 && refused.text.contains("TWO/app") && !refused.text.contains("ONE/app")
        )
        #expect(try await primary.http.get(settings).json()["mode"] == "ALL_PROJECTS")
        // The same by way of the mirror, and by a second acceptance.
        #expect(try await mirror.http.put("\(Self.root)/syncSettings", some).status == 409)
        let mode: PortableValue = "SELECTED_PROJECTS"
        #expect(try await mirror.http.put("\(Self.root)/syncSettings/mode", mode).status == 409)
        let accept = "\(Self.root)/requests/1/accept?mode=SELECTED_PROJECTS"
        #expect(try await primary.http.post(accept, [:]).status == 409)
        #expect(try await count() == 2)
        let done = try await mirror.http.put("\(Self.root)/syncSettings?confirm=true", some)
        #expect(done.status == 200, "\(done.text)")
        try await waitUntil("a mirror with one repository") { try await count() == 1 }
        // More is no loss.
        #expect(
            try await mirror.http.post("\(Self.root)/syncSettings/projects/\(two)", .null).status == 200)
        try await waitUntil("a mirror with both") { try await count() == 2 }
        let less = "\(Self.root)/syncSettings/projects/\(two)"
        #expect(try await mirror.http.delete(less).status == 409)
        #expect(try await mirror.http.delete("\(less)?confirm=true").status == 204)
        try await waitUntil("a mirror with one again") { try await count() == 1 }
        // Who is somebody on the mirror's machine alone decides nothing.
        let local = try mirror.localOperator
        #expect(try await local.get("\(Self.root)/syncSettings/projects").json() == [.string(one)])
        #expect(try await local.put("\(Self.root)/syncSettings/mode", "ALL_PROJECTS").status == 401)
    }

    @Test func `the command line lists what would go, and takes yes for an answer`() async throws {
        let pair = try await MirrorPair.start(fill: Self.fill)
        let primary = pair.primary
        func projects(_ arguments: String...) async throws -> ProcessOutcome {
            try await ChildProcess.run(
                [Executable.perigee, "mirror", "projects", pair.id, "--home", primary.home] + arguments,
                environment: Executable.environment, directory: "/")
        }
        #expect(try await projects().output == "all projects\n")
        let asked = try await projects("--only", "ONE")
        #expect(asked.status == 1 && asked.output.contains("  TWO/app\n"), "\(asked)")
        #expect(!asked.output.contains("ONE/app") && asked.output.contains("Nothing was changed"))
        #expect(try await projects().output == "all projects\n")
        let done = try await projects("--only", "ONE", "--yes")
        #expect(done.succeeded && done.output.hasSuffix("ONE\n"), "\(done)")
        #expect(try await projects("--add", "TWO").output == "ONE\nTWO\n")
        #expect(try await projects("--remove", "ONE").status == 1)
        #expect(try await projects("--all").output == "all projects\n")
        #expect(try await projects("--remove", "ONE").errors.contains("--only"))
        #expect(try await projects("--only", "NONE").status != 0)
    }

    @Test func `a mirror that was removed and is accepted again keeps its copies`() async throws {
        let pair = try await MirrorPair.start(fill: Self.fill)
        let (primary, mirror) = (pair.primary, pair.mirrors[0])
        for key in ["ONE", "TWO"] { try await pair.waitForRefs(of: key, "app", on: mirror) }
        @Sendable func copies() async throws -> Int64? {
            try await mirror.localOperator.get("\(Self.root)/supportInfo/repoSyncStatus").json()["size"]?
                .integerValue
        }
        func removeAndAskAgain() async throws -> Int64 {
            #expect(try await primary.http.delete("\(Self.root)/mirrorServers/\(pair.id)").status == 204)
            return try await waitFor("a mirror that asks again") {
                let page = try await primary.http.get("\(Self.root)/requests?state=PENDING").json()
                return page["values"]?[0]?["id"]?.integerValue
            }
        }
        // Declined and deleted in between, it is still the same.
        let first = try await removeAndAskAgain()
        #expect(try await primary.http.delete("\(Self.root)/requests/\(first)").status == 204)
        let second = try await waitFor("a mirror that asks once more") { () -> Int64? in
            let page = try await primary.http.get("\(Self.root)/requests?state=PENDING").json()
            return page["values"]?[0]?["id"]?.integerValue
        }
        let accept = "\(Self.root)/requests/\(second)/accept"
        let refused = try await primary.http.post("\(accept)?mode=SELECTED_PROJECTS", [:])
        #expect(refused.status == 409 && refused.text.contains("had all projects before"))
        let told = try await primary.perigee("mirror", "accept", pair.id, "--home", primary.home)
        #expect(told.output == "accepted; it has all projects\n", "\(told)")
        try await pair.commit("after it")
        try await pair.git.succeed("push", "--quiet", primary.remote("ONE", "app"), "main", in: "work")
        try await pair.waitForRefs(of: "ONE", "app", on: mirror)
        #expect(try await copies() == 2)
        #expect(!mirror.log.contains("removed=2"))
        // Chosen projects likewise.
        let only = try await primary.perigee(
            "mirror", "projects", pair.id, "--only", "TWO", "--yes", "--home", primary.home)
        #expect(only.succeeded, "\(only)")
        try await waitUntil("a mirror with one repository") { try await copies() == 1 }
        _ = try await removeAndAskAgain()
        let again = try await primary.perigee("mirror", "accept", pair.id, "--home", primary.home)
        #expect(again.output == "accepted; it has TWO\n", "\(again)")
        try await pair.git.succeed(
            "push", "--quiet", primary.remote("TWO", "app"), "HEAD:refs/heads/more", in: "work")
        try await pair.waitForRefs(of: "TWO", "app", on: mirror)
        #expect(try await copies() == 1)
    }
}
