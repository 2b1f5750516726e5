import Foundation
import NodeTestKit
import Portable
import Testing

/// Nodes whose database is a PostgreSQL server.
@Suite struct PostgresNodeTests {
    @Test func `what a node on PostgreSQL was told outlives the server and the node`() async throws {
        var options = ThrowawayPostgres.Options()
        options.isDurable = true
        let server = try await ThrowawayPostgres.start(options)
        let node = try await RunningNode.start(properties: ["database.url": server.url()])
        let git = try GitClient()
        try await git.makeRepository("work")
        try await node.makeRepository("TEST", "app")
        let remote = node.remote("TEST", "app")
        try await git.succeed("push", "--quiet", remote, "main", in: "work")

        try await server.kill()
        try await server.start()
        try await waitUntil("a push after the server is back", detail: { node.standardError }) {
            let text = "\(UUID())"
            try await git.commit(in: "work", file: "README.md", text: text)
            return try await git.run("push", "--quiet", remote, "main", in: "work").succeeded
        }
        try await node.kill()
        try await node.start()
        try await git.succeed("clone", "--quiet", "--branch", "main", node.remote("TEST", "app"), "clone")
        let refs = try await git.refs(in: "work")
        let head = try await git.succeed("rev-parse", "HEAD", in: "clone")
        #expect(refs.contains(head))
        #expect(!FileManager.default.fileExists(atPath: "\(node.home)/shared/data/perigee.sqlite"))
        try await node.stop()
    }

    @Test func `without its database a node says so, refuses changes, and heals by itself`() async throws {
        let server = try await ThrowawayPostgres.start()
        let url = "jdbc:postgresql://127.0.0.1:\(server.port)/postgres?sslmode=prefer"
        let node = try await RunningNode.start(properties: [
            "jdbc.driver": "org.postgresql.Driver", "jdbc.url": url, "jdbc.user": "perigee",
            "jdbc.password": "unused", "server.database-check-interval": "1",
        ])
        try await node.makeProject("TEST")
        try await server.stop("immediate")
        try await waitUntil("a node that says that its database is away") {
            try await node.anonymous.get("/status").status == 500
        }
        let body: PortableValue = ["key": "MORE", "name": "More"]
        let refused = try await node.http.post("/rest/api/latest/projects", body)
        #expect(refused.status >= 500)
        try await server.start()
        try await waitUntil("a node that says that all is well") {
            try await node.anonymous.get("/status").status == 200
        }
        try await node.makeProject("MORE")
        #expect(!node.log.contains("unused"))
        try await node.stop()
    }

    @Test func `a home moves to PostgreSQL with all that it holds`() async throws {
        let server = try await ThrowawayPostgres.shared()
        try await server.makeDatabase("moved")
        try await server.makeDatabase("used")
        try await server.psql("CREATE TABLE other (id BIGINT)", database: "used")
        let node = try await RunningNode.start()
        let git = try GitClient()
        try await git.makeRepository("work")
        try await node.makeRepository("TEST", "app")
        try await node.makeUser("jane")
        try await node.grant("jane", "REPO_WRITE", project: "TEST", repository: "app")
        try await git.succeed("push", "--quiet", node.remote("TEST", "app"), "main", in: "work")
        let before = try await facts(of: node)

        let running = try await node.perigee(
            "database", "migrate-to", server.url("moved"), "--home", node.home)
        #expect(running.status == 1)
        #expect(running.errors.contains("is in use"))
        try await node.stop()
        let used = try await node.perigee("database", "migrate-to", server.url("used"), "--home", node.home)
        #expect(used.status == 1)
        #expect(used.errors.contains("not empty"))
        let moved = try await node.perigee("database", "migrate-to", server.url("moved"), "--home", node.home)
        #expect(moved.status == 0, "\(moved.errors)")
        #expect(moved.output.contains("Moved and compared"))
        let again = try await node.perigee("database", "migrate-to", server.url("moved"), "--home", node.home)
        #expect(again.status == 1)

        let next = try await RunningNode.start(
            properties: ["database.url": server.url("moved")], directory: node.directory)
        #expect(try await facts(of: next) == before)
        try await git.commit(in: "work", file: "README.md", text: "more\n")
        let remote = next.remote("TEST", "app", user: "jane", password: "user-Passw0rd")
        try await git.succeed("push", "--quiet", remote, "main", in: "work")
        try await next.makeRepository("TEST", "second")
        try await next.stop()
    }

    @Test func `a home with repositories is not served from an empty database`() async throws {
        let server = try await ThrowawayPostgres.shared()
        try await server.makeDatabase("empty")
        let node = try await RunningNode.start()
        try await node.makeRepository("TEST", "app")
        try await node.stop()
        let other = try RunningNode.prepare(
            properties: ["database.url": server.url("empty")], directory: node.directory)
        try await other.launch()
        let end = try await other.waitForExit()
        #expect(end.status == 1)
        #expect(end.errors.contains("perigee database migrate-to"))
    }

    /// Answers that show what the database holds, with its ids.
    private func facts(of node: RunningNode) async throws -> [String] {
        var facts: [String] = []
        for path in [
            "projects", "projects/TEST/repos", "admin/users", "projects/TEST/repos/app/permissions/users",
            "admin/groups", "projects/TEST/repos/app/branches",
        ] {
            let answer = try await node.http.get("/rest/api/latest/\(path)")
            #expect(answer.status == 200)
            facts.append(answer.text.replacing("127.0.0.1:\(node.port)", with: "HOST"))
        }
        return facts
    }
}
