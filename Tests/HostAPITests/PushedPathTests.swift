import GitStore
import Hosting
import Portable
import Testing

@Suite struct PushedPathTests {
    @Test func `a handler finds the commits of a push that change a file`() async throws {
        let server = try await TestServer(mains: [
            "a.x": (
                #"{"before_push": true, "commits": "read"}"#,
                """
                perigee.events.before_push(function(push)
                  local id, change, said = push.repository.id, push.changes[1], {}
                  for _, path in ipairs({ "a.txt", "deep", "none", "*" }) do
                    local tip, since = change.toHash, change.fromHash
                    for commit in perigee.commits.each(id, { tip = tip, since = since, path = path }) do
                      said[#said + 1] = path .. "=" .. commit.message
                    end
                  end
                  return false, table.concat(said, " ")
                end)
                """
            )
        ])
        let repository = try await server.makeRepository()
        let tip = try await server.commit("main", repository)
        let (_, objects) = try await server.incomingCommits(["four"], on: tip, repository)
        let clone = String(objects.dropLast("/objects".count))
        let stream = [("five", "a.txt"), ("six", "deep/c.txt"), ("seven", "a.txt")].enumerated().map {
            index, commit in
            """
            commit refs/heads/main
            committer C O Mitter <c@example.org> 17000001\(10 + index) +0000
            data \(commit.0.utf8.count)
            \(commit.0)
            \(index == 0 ? "from refs/heads/main^0\n" : "")M 644 inline \(commit.1)
            data \(commit.0.utf8.count)
            \(commit.0)

            """
        }.joined()
        try await server.git(["--git-dir=\(clone)", "fast-import", "--quiet"], repository, input: stream)
        let pushed = try #require(
            ObjectID(try await server.git(["--git-dir=\(clone)", "rev-parse", "main"], repository)))
        let session = server.hosting.pushes.begin(
            repository: repository, principal: .localOperator, transport: "http")
        let verdict = await session.preReceive(
            changes: [RefChange(ref: try .branch("main"), from: tip, to: pushed)], quarantine: objects,
            options: [])
        #expect(verdict == .refuse(text: "a.txt=seven a.txt=five deep=six"))
        await session.abandon()
        await server.stop()
    }
}
