import Foundation
import NodeTestKit
import Portable
import Testing

/// Every route of the original's two tables of mirroring, as different callers get it.
@Suite struct MirrorRouteTests {
    private static let root = "/rest/mirroring/latest"

    /// A route, and what an administrator, somebody without rights and nobody get.
    struct Route: Sendable {
        let method: String
        let path: String
        let codes: [Int]
        /// Fields that the administrator's answer must have.
        var fields: [String] = []
        var body: PortableValue?

        init(
            _ method: String, _ path: String, _ codes: [Int], _ fields: [String] = [],
            body: PortableValue? = nil
        ) {
            (self.method, self.path, self.codes, self.fields, self.body) = (method, path, codes, fields, body)
        }
    }

    private static let page = ["size", "limit", "isLastPage", "start", "nextPageStart", "values"]
    private static let server = [
        "id", "name", "baseUrl", "mirrorType", "productVersion", "productType", "lastSeenDate", "enabled",
    ]
    private static let request = [
        "id", "mirrorId", "mirrorName", "mirrorBaseUrl", "mirrorType", "productVersion", "state",
    ]

    private static func upstream(_ id: String, repository: Int64, project: Int64) -> [Route] {
        [
            Route("GET", "mirrorServers", [200, 200, 401], page),
            Route("GET", "mirrorServers/\(id)", [200, 200, 401], server),
            Route("GET", "mirrorServers/AAAA-AAAA-AAAA-AAAA", [404, 404, 401]),
            Route(
                "PUT", "mirrorServers/\(id)", [200, 401, 401], server,
                body: ["baseUrl": "http://mirror.example.org", "productVersion": "1.0.0"]),
            Route("DELETE", "mirrorServers/AAAA-AAAA-AAAA-AAAA", [404, 401, 401]),
            Route("POST", "mirrorServers/\(id)/events", [401, 401, 401], body: ["type": "SYNCHRONIZED"]),
            Route("POST", "mirrorServers/AAAA-AAAA-AAAA-AAAA/events", [404, 404, 404], body: [:]),
            Route("GET", "requests?state=ACCEPTED", [200, 401, 401], page),
            Route("GET", "requests?state=NONE", [400, 401, 401]),
            Route("POST", "requests", [401, 401, 401], body: [:]),
            Route("GET", "requests/1", [200, 401, 401], request),
            Route("GET", "requests/99", [409, 401, 401]),
            Route("DELETE", "requests/99", [409, 401, 401]),
            Route("POST", "requests/99/accept", [409, 401, 401], body: [:]),
            Route("POST", "requests/99/reject", [409, 401, 401], body: [:]),
            Route("GET", "repos", [200, 200, 200], page),
            Route("GET", "repos?includeDefaultBranch=true&limit=1", [200, 200, 200], page),
            Route(
                "GET", "repos/\(repository)?includeDefaultBranch=true", [200, 404, 404],
                ["id", "slug", "project", "links", "properties"]),
            Route("GET", "repos/99999", [404, 404, 404]),
            Route("GET", "repos/\(repository)/mirrors", [200, 404, 404], page),
            Route("GET", "repos/99999/mirrors", [404, 404, 404]),
            Route("GET", "projects/\(project)", [200, 404, 404], ["id", "key", "name", "public", "type"]),
            Route("GET", "projects/99999", [404, 404, 404]),
            Route("GET", "projects/\(project)/repos", [200, 404, 404], page),
            Route("GET", "projects/99999/repos", [404, 404, 404]),
            Route("POST", "authenticate", [401, 401, 401], body: [:]),
            Route(
                "GET", "analyticsSettings", [200, 200, 401],
                ["canCollectAnalytics", "serverTime", "supportEntitlementNumber"]),
            Route("GET", "account/settings/preferred-mirror", [404, 404, 401]),
            Route("DELETE", "account/settings/preferred-mirror", [204, 204, 401]),
            Route("GET", "repo-hashes", [200, 401, 401], ["projects"]),
            Route("GET", "repo-hashes/content", [200, 401, 401], ["projects"]),
            Route("GET", "repo-hashes/metadata", [200, 401, 401], ["projects"]),
        ]
    }

    private static func mirror(_ upstream: String, repository: Int64, project: Int64) -> [Route] {
        let shape = [
            "available", "status", "repositoryId", "mirrorName", "lastUpdated", "cloneUrls", "pushUrls",
            "links",
        ]
        let sync = [
            "upstreamId", "externalRepoId", "localProjectId", "localRepoId", "initialSyncDate",
            "lastSyncDate",
            "failedSyncCount", "hashes",
        ]
        let here = "projects/PRJ/repos/app"
        return [
            Route("GET", "upstreamServer", [200, 401, 401], ["id", "baseUrl", "state"]),
            Route("GET", "upstreamServers", [200, 401, 401], page),
            Route("GET", "upstreamServers/\(upstream)", [200, 401, 401], ["id", "baseUrl", "state"]),
            Route("GET", "upstreamServers/none", [404, 401, 401]),
            Route("GET", "upstreamServers/\(upstream)/repos/\(repository)", [200, 404, 404], shape),
            Route("GET", "syncSettings", [200, 401, 401], ["mode", "projectIds"]),
            Route("PUT", "syncSettings", [200, 401, 401], ["mode"], body: ["mode": "ALL_PROJECTS"]),
            Route("PUT", "syncSettings", [400, 401, 401], body: ["mode": "SOME"]),
            Route("GET", "syncSettings/mode", [200, 401, 401]),
            Route("PUT", "syncSettings/mode", [200, 401, 401], body: "ALL_PROJECTS"),
            Route("PUT", "syncSettings/mode", [400, 401, 401], body: "SOME"),
            Route("GET", "syncSettings/projects", [200, 401, 401]),
            Route("POST", "syncSettings/projects", [200, 401, 401], body: [.string("\(project)")]),
            Route("POST", "syncSettings/projects", [400, 401, 401], body: ["99999"]),
            Route("DELETE", "syncSettings/projects/\(project)", [204, 401, 401]),
            Route("POST", "syncSettings/projects/\(project)", [200, 401, 401], body: .null),
            Route("POST", "syncSettings/projects/99999", [400, 401, 401], body: .null),
            Route("GET", "mirrorRepos/\(repository)", [200, 404, 404], shape),
            Route("GET", "mirrorRepos/99999", [404, 404, 404]),
            Route("GET", "repos/\(repository)", [200, 404, 404], shape),
            Route("GET", "progress", [200, 401, 401], ["discovering", "syncedRepos", "totalRepos"]),
            Route("GET", "farmNodes", [200, 401, 401]),
            Route("GET", "supportInfo/repoSyncStatus", [200, 401, 401], page),
            Route("GET", "supportInfo/\(here)/repoSyncStatus", [200, 401, 401], sync),
            Route("GET", "supportInfo/projects/PRJ/repos/none/repoSyncStatus", [404, 401, 401]),
            Route("GET", "supportInfo/repo-lock-owners", [200, 401, 401]),
            Route("GET", "supportInfo/\(here)/repo-lock-owner", [200, 401, 401]),
            Route("GET", "supportInfo/projects/PRJ/repos/none/repo-lock-owner", [404, 401, 401]),
            Route("GET", "supportInfo/refChangesQueue", [200, 401, 401], ["values"]),
            Route("GET", "supportInfo/refChangesQueue/count", [200, 401, 401]),
            Route("GET", "supportInfo/out-of-sync-repos/content", [200, 401, 401]),
            Route("GET", "mirrorRepos/delayed-sync?delayThreshold=1&limit=5", [200, 401, 401]),
            Route("POST", "zdu/start", [200, 401, 401], ["rollingUpgradeEnabled", "version"], body: .null),
            Route("POST", "zdu/end", [200, 401, 401], ["rollingUpgradeEnabled", "version"], body: .null),
            Route("GET", "repo-hashes", [200, 401, 401], ["projects"]),
            Route("GET", "repo-hashes/content", [200, 401, 401], ["projects"]),
            Route("GET", "repo-hashes/metadata", [200, 401, 401], ["projects"]),
        ]
    }

    private static func walk(_ routes: [Route], on node: RunningNode) async throws {
        let callers = [node.http, node.anonymous.basic("somebody", "user-Passw0rd"), node.anonymous]
        for route in routes {
            for (caller, code) in zip(callers, route.codes) {
                let headers = route.body == nil ? [:] : ["Content-Type": "application/json"]
                let data = try route.body.flatMap { $0.isNull ? nil : Data(try JSON.encode($0)) }
                let answer = try await caller.send(
                    route.method, "\(root)/\(route.path)", headers: data == nil ? [:] : headers, body: data)
                #expect(answer.status == code, "\(route.method) \(route.path): \(answer.text)")
                guard answer.status < 300, code == route.codes[0], caller.port == node.port,
                    caller.authorization == node.http.authorization, answer.status != 204
                else { continue }
                let value = try answer.json()
                for field in route.fields {
                    #expect(value.mapValue?.keys.contains(field) == true, "\(route.path) lacks \(field)")
                }
            }
        }
    }

    @Test func `each route answers with its code and its fields`() async throws {
        let pair = try await MirrorPair.start { primary, git in
            try await primary.makeRepository("PRJ", "app")
            try await primary.makeUser("somebody")
            try await git.makeRepository("work")
            try await git.succeed("push", "--quiet", primary.remote("PRJ", "app"), "main", in: "work")
        }
        let (primary, mirror) = (pair.primary, pair.mirrors[0])
        let repository = try await primary.http.get("/rest/api/latest/projects/PRJ/repos/app").json()
        let id = try #require(repository["id"]?.integerValue)
        let project = try #require(repository["project"]?["id"]?.integerValue)
        try await Self.walk(Self.upstream(pair.id, repository: id, project: project), on: primary)
        let upstream = try await mirror.http.get("\(Self.root)/upstreamServer").json()
        #expect(upstream["state"] == "INSTALLED")
        try await Self.walk(
            Self.mirror(try #require(upstream["id"]?.stringValue), repository: id, project: project),
            on: mirror)

        let capabilities = try await primary.anonymous.get("/rest/capabilities").json()["capabilities"]
        #expect(capabilities?["repository-mirroring"]?.stringValue?.hasSuffix("/rest/mirroring/1.0") == true)

        // What one side says of a repository the other says, too.
        let enriched = try await primary.http.get("\(Self.root)/repos/\(id)?includeDefaultBranch=true").json()
        #expect(enriched["properties"]?["contentHash"]?.stringValue?.utf8.count == 64)
        #expect(enriched["properties"]?["metadataHash"]?.stringValue?.utf8.count == 64)
        #expect(enriched["properties"]?["defaultBranchId"] == "refs/heads/master")
        let here = try await mirror.http.get("\(Self.root)/repo-hashes").json()
        #expect(try await primary.http.get("\(Self.root)/repo-hashes").json() == here)
        #expect(
            here["projects"]?[0]?["repositories"]?[0]?["hashes"]?["content"]
                == enriched["properties"]?["contentHash"])
        let content = try await mirror.http.get("\(Self.root)/repo-hashes/content").json()
        #expect(content["projects"]?[0]?["repositories"]?[0]?["hashes"]?["metadata"] == nil)
        #expect(try await mirror.http.get("\(Self.root)/repos").status == 409)
        #expect(try await mirror.http.get("\(Self.root)/repos/\(id)/mirrors").status == 409)
        let idle: PortableValue = ["discovering": false, "syncedRepos": 0, "totalRepos": 0]
        #expect(try await mirror.http.get("\(Self.root)/progress").json() == idle)
        let node = try await mirror.http.get("\(Self.root)/farmNodes").json()[0]
        #expect(node?["local"] == true && node?["buildVersion"]?.stringValue != nil)
    }

    @Test func `what waits and what is late is listed while the line is cut`() async throws {
        let pair = try await MirrorPair.start(
            properties: [
                "plugin.mirroring.repository.diagnostics.sync.tolerance": "1",
                "plugin.mirroring.synchronization.interval": "5",
            ]
        ) { primary, git in
            try await primary.makeRepository("PRJ", "app")
            try await git.makeRepository("work")
            try await git.succeed("push", "--quiet", primary.remote("PRJ", "app"), "main", in: "work")
        }
        let (primary, mirror) = (pair.primary, pair.mirrors[0])
        let id = try await primary.http.get("/rest/api/latest/projects/PRJ/repos/app").json()["id"]
        let operators = try mirror.localOperator
        // A file is where packs belong: fetches fail. A folder that is gone would be made again.
        let folder = "\(mirror.home)/shared/data/repositories/\(id?.integerValue ?? 0)/objects/pack"
        try FileManager.default.moveItem(atPath: folder, toPath: "\(folder).away")
        try Data().write(to: URL(fileURLWithPath: folder))
        try await pair.git.succeed("commit", "--quiet", "--allow-empty", "-m", "more", in: "work")
        try await pair.git.succeed("push", "--quiet", primary.remote("PRJ", "app"), "main", in: "work")
        let support = "\(Self.root)/supportInfo"
        try await waitUntil("the repository among those out of sync", detail: { mirror.log }) {
            try await operators.get("\(support)/out-of-sync-repos/content").json() == .list([id ?? .null])
        }
        #expect(try await operators.get("\(support)/refChangesQueue/count").json() == 1)
        let item = try await operators.get("\(support)/refChangesQueue").json()["values"]?[0]
        #expect(item?["externalRepoId"] == .string("\(id?.integerValue ?? 0)"))
        #expect(["incremental", "snapshot"].contains(item?["type"]?.stringValue))
        try await waitUntil("a repository that is delayed") {
            let late = try await operators.get("\(Self.root)/mirrorRepos/delayed-sync").json()
            return late[0]?["projectKey"] == "PRJ" && late[0]?["repositorySlug"] == "app"
        }
        try await waitUntil("a primary that knows") {
            let page = try await primary.http.get("\(Self.root)/repos/\(id?.integerValue ?? 0)/mirrors")
                .json()
            return page["values"]?[0]?["status"] == "ERROR_AVAILABLE"
        }
        let status = try await operators.get("\(support)/projects/PRJ/repos/app/repoSyncStatus").json()
        #expect(status["failedSyncCount"]?.integerValue ?? 0 > 0 && status["lastError"]?.stringValue != nil)
        try FileManager.default.removeItem(atPath: folder)
        try FileManager.default.moveItem(atPath: "\(folder).away", toPath: folder)
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        try await waitUntil("nothing out of sync", detail: { mirror.log }) {
            let ids = try await operators.get("\(support)/out-of-sync-repos/content").json()
            let count = try await operators.get("\(support)/refChangesQueue/count").json()
            return ids == [] && count == 0
        }
    }
}
