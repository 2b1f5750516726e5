import Foundation
import NodeTestKit
import Portable
import Testing

/// From which mirrors a repository can be cloned is said by the primary, in one call.
@Suite struct MirrorCloneLinkTests {
    private static let root = "/rest/mirroring/latest"

    private static func fill(_ primary: RunningNode, _ git: GitClient) async throws {
        try await primary.makeRepository("PRJ", "app")
        try await git.makeRepository("work")
        try await git.succeed("push", "--quiet", primary.remote("PRJ", "app"), "main", in: "work")
    }

    private static func repository(
        _ primary: RunningNode, _ name: String = "app"
    ) async throws -> PortableValue {
        try await primary.http.get("/rest/api/latest/projects/PRJ/repos/\(name)").json()
    }

    @Test func `a repository's own shape names the mirrors that have it`() async throws {
        let pair = try await MirrorPair.start(
            properties: [
                "plugin.ssh.enabled": "true", "plugin.ssh.port": "0",
                "plugin.ssh.baseurl": "ssh://git@mirror.example.org:7999",
            ], fill: Self.fill)
        let primary = pair.primary
        let id = try #require(try await Self.repository(primary)["id"]?.integerValue)
        let links = try await waitFor("links to the mirror") { () -> [PortableValue]? in
            try await Self.repository(primary)["links"]?["mirrors"]?.listValue
        }
        #expect(
            links.map { $0["href"]?.stringValue } == [
                "http://mirror.example.org/scm/prj/app.git", "ssh://git@mirror.example.org:7999/prj/app.git",
            ])
        #expect(links.map { $0["name"]?.stringValue } == ["http", "ssh"])
        #expect(links.allSatisfy { $0["mirrorId"]?.stringValue == pair.id && $0["preferred"] == false })
        // What clients choose from by name stays the primary's own.
        let own = try await Self.repository(primary)["links"]?["clone"]?.listValue
        #expect(own?.count == 1 && own?.first?["href"]?.stringValue?.contains("127.0.0.1") == true)

        // All mirrors, with what each has, in one call.
        let page = try await primary.http.get("\(Self.root)/repos/\(id)/mirrors").json()
        let entry = try #require(page["values"]?[0])
        #expect(entry["mirrorServer"]?["id"]?.stringValue == pair.id)
        #expect(entry["available"] == true && entry["status"] == "AVAILABLE")
        #expect(entry["repositoryId"] == .string("\(id)") && entry["mirrorName"] == "Office")
        #expect(entry["cloneUrls"] == entry["links"]?["clone"] && entry["pushUrls"]?.listValue?.count == 2)

        // The mirror goes: nobody is sent there.
        pair.mirrors[0].signal(SIGSTOP)
        try await waitUntil("no links to a mirror that is away") {
            try await Self.repository(primary)["links"]?["mirrors"] == nil
        }
        let away = try await primary.http.get("\(Self.root)/repos/\(id)/mirrors").json()["values"]?[0]
        #expect(away?["available"] == false)
        pair.mirrors[0].signal(SIGCONT)
        try await waitUntil("links to the mirror again") {
            try await Self.repository(primary)["links"]?["mirrors"] != nil
        }
    }

    @Test func `the signed link needs no other credentials, and shows nothing else`() async throws {
        let pair = try await MirrorPair.start(fill: Self.fill)
        let (primary, mirror) = (pair.primary, pair.mirrors[0])
        try await primary.makeRepository("PRJ", "other")
        let id = try #require(try await Self.repository(primary)["id"]?.integerValue)
        let other = try #require(try await Self.repository(primary, "other")["id"]?.integerValue)
        try await pair.waitForRefs(of: "PRJ", "other", on: mirror)
        let page = try await primary.http.get("\(Self.root)/repos/\(id)/mirrors").json()
        let href = try #require(page["values"]?[0]?["links"]?["self"]?[0]?["href"]?.stringValue)
        let base = "http://mirror.example.org"
        #expect(href.hasPrefix("\(base)/rest/mirroring/1.0/repos/\(id)?jwt="))
        let target = String(href.dropFirst(base.count))
        let shown = try await mirror.anonymous.get(target)
        #expect(shown.status == 200, "\(shown.text)")
        let resource = try shown.json()
        // Both shapes that clients read.
        #expect(resource["available"] == true && resource["repositoryId"] == .string("\(id)"))
        #expect(resource["cloneUrls"] == resource["links"]?["clone"])
        #expect(resource["links"]?["push"]?[0]?["href"] == .string("\(base)/scm/prj/app.git"))
        let token = target.split(separator: "?").last.map(String.init) ?? ""
        #expect(try await mirror.anonymous.get("\(Self.root)/repos/\(other)?\(token)").status == 401)
        #expect(try await mirror.anonymous.get("\(Self.root)/repos/\(id)?jwt=a.b.c").status == 401)
        #expect(try await mirror.anonymous.get("\(Self.root)/repos/\(id)").status == 404)
        #expect(try await mirror.anonymous.get("\(Self.root)/repos/99999").status == 404)
        let scm = "/scm/prj/app.git/info/refs?service=git-upload-pack&\(token)"
        #expect(try await mirror.anonymous.get(scm).status == 401)
        let plain = try await primary.http.get("\(Self.root)/repos/\(id)/mirrors?preAuthorized=false").json()
        #expect(
            plain["values"]?[0]?["links"]?["self"]?[0]?["href"]
                == .string("\(base)/rest/mirroring/1.0/repos/\(id)"))
    }

    @Test func `the preferred mirror of a user is kept, and comes first`() async throws {
        let pair = try await MirrorPair.start(fill: Self.fill)
        let primary = pair.primary
        let path = "\(Self.root)/account/settings/preferred-mirror"
        try await primary.makeUser("reader")
        try await primary.grant("reader", "REPO_READ", project: "PRJ", repository: "app")
        let reader = primary.anonymous.basic("reader", "user-Passw0rd")
        #expect(try await reader.get(path).status == 404)
        #expect(try await primary.anonymous.get(path).status == 401)
        #expect(try await reader.post(path, "AAAA-AAAA-AAAA-AAAA").status == 404)
        #expect(try await reader.post(path, "nonsense").status == 404)
        #expect(try await reader.post(path, ["id": .string(pair.id)]).status == 400)
        #expect(try await reader.post(path, .string(pair.id)).status == 204)
        let kept = try await reader.get(path)
        #expect(try kept.status == 200 && kept.json()["id"] == .string(pair.id))
        try await primary.restart()
        pair.line.redirect(to: primary.port)
        let again = primary.anonymous.basic("reader", "user-Passw0rd")
        #expect(try await again.get(path).json()["id"] == .string(pair.id))
        // Others have none.
        #expect(try await primary.http.get(path).status == 404)
        try await waitUntil("a link to the preferred mirror") {
            let links = try await again.get("/rest/api/latest/projects/PRJ/repos/app").json()["links"]
            return links?["mirrors"]?[0]?["preferred"] == true
        }
        #expect(try await again.delete(path).status == 204)
        #expect(try await again.get(path).status == 404)
    }

    @Test(arguments: [false, true])
    func `a repository that is not chosen is not mirrored, and becomes available`(
        onPostgres: Bool
    )
        async throws
    {
        let server = onPostgres ? try await ThrowawayPostgres.start() : nil
        let database = server.map { ["database.url": $0.url()] } ?? [:]
        let pair = try await MirrorPair.start(accept: false, primary: database, fill: Self.fill)
        try await pair.accept(mode: "SELECTED_PROJECTS")
        try await pair.waitForAll(on: pair.mirrors[0])
        let primary = pair.primary
        let repository = try await Self.repository(primary)
        let id = try #require(repository["id"]?.integerValue)
        @Sendable func entry() async throws -> PortableValue? {
            try await primary.http.get("\(Self.root)/repos/\(id)/mirrors").json()["values"]?[0]
        }
        #expect(try await entry()?["status"] == "NOT_MIRRORED")
        #expect(try await entry()?["available"] == false)
        let project = try #require(repository["project"]?["id"]?.integerValue)
        let settings = "\(Self.root)/mirrorServers/\(pair.id)/syncSettings"
        #expect(try await primary.http.post("\(settings)/projects/\(project)", .null).status == 200)
        try await waitUntil("the repository on the mirror") { try await entry()?["available"] == true }
        #expect(try await primary.http.get("/metrics").text.contains("perigee_mirror_node_up"))
        withExtendedLifetime(server) {}
    }
}
