import ClusterServices
import Hosting
import LuaRuntime
import PluginHost
import Portable
import Testing

/// The plugins of this project, on real repositories.
@Suite struct PluginExampleTests {
    private func refusal(
        _ server: TestServer, _ repository: Repository, _ ref: String, from: ObjectID, to: ObjectID
    ) async throws -> String? {
        do {
            let change = RefChange(ref: try RefName(ref), from: from, to: to)
            try await server.hosting.refs.update([change], in: repository, trigger: .push, by: .localOperator)
            return nil
        } catch HostingError.refused(let text) {
            return text
        }
    }

    @Test func `branch protection refuses what its settings forbid and nothing else`() async throws {
        let server = try await TestServer(folders: ["plugins/branch-protection"])
        let repository = try await server.makeRepository()
        let (tip, old) = (
            try await server.commit("main", repository), try await server.commit("main~1", repository)
        )
        let scope = PluginScope.repository(repository.id)
        #expect(try await refusal(server, repository, "refs/heads/main", from: tip, to: old) == nil)
        #expect(try await refusal(server, repository, "refs/heads/main", from: old, to: tip) == nil)

        try await server.plugins.setEnabled(true, plugin: "branch-protection", scope: scope)
        try await server.plugins.setSettings(
            [
                "no_force_push": ["main"], "no_deletes": ["main", "release/**"],
                "no_creates": ["refs/tags/v*"],
            ],
            plugin: "branch-protection", scope: scope)
        let forced = try await refusal(server, repository, "refs/heads/main", from: tip, to: old)
        #expect(
            forced == """
                This push is refused, because it breaks the branch protection of this repository:

                  refs/heads/main: its history cannot be rewritten (rule no_force_push, pattern "main")
                    Fetch, merge or rebase onto its present tip, and push again without --force.
                """)
        #expect(try await refusal(server, repository, "refs/heads/release/1", from: .zero, to: tip) == nil)
        let deleted = try await refusal(server, repository, "refs/heads/release/1", from: tip, to: .zero)
        let cannot = "it cannot be deleted (rule no_deletes, pattern \"release/**\")"
        #expect(deleted?.contains(cannot) == true, "got: \(deleted ?? "")")
        let tagged = try await refusal(server, repository, "refs/tags/v1", from: .zero, to: tip)
        #expect(tagged?.contains("rule no_creates, pattern \"refs/tags/v*\"") == true)
        #expect(try await refusal(server, repository, "refs/heads/dev", from: .zero, to: old) == nil)
        #expect(try await refusal(server, repository, "refs/heads/dev", from: old, to: tip) == nil)
        #expect(try await refusal(server, repository, "refs/heads/dev", from: tip, to: old) == nil)
        await server.stop()
    }

    @Test func `the push log keeps each push once`() async throws {
        let server = try await TestServer(folders: ["sdk/examples/push-log"])
        let id = "com.example.push-log"
        #expect(await server.plugins.detail(id)?.summary.state == .enabled)
        let zero = ObjectID.zero.hex
        let commit = String(repeating: "a", count: 40)
        let event = Event(
            key: "repo:refs_changed",
            payload: [
                "date": "2026-11-21T02:25:56+0000", "actor": ["name": "anna"],
                "repository": ["id": 7, "slug": "app", "project": ["key": "PRJ"]],
                "changes": [
                    [
                        "refId": "refs/heads/main", "type": "ADD", "fromHash": .string(zero),
                        "toHash": .string(commit),
                    ]
                ],
            ], repository: 7, id: "1")
        for _ in 1...2 {
            #expect(await server.bus.publish(event).delivery().failures.map { "\($0.error)" } == [])
        }
        let records = try await server.kv.fetchPage(namespace: "plugin/\(id)", prefix: "push/", limit: 10)
        #expect(records.count == 1)
        #expect(records.first?.value["user"] == "anna")
        #expect(records.first?.value["changes"]?[0]?["to"] == .string(commit))
        #expect(try await server.kv.fetchValue(namespace: "plugin/\(id)", key: "count/00000007")?.value == 1)
        await server.stop()
    }

    @Test func `a handler reads the commits that a push brings before they are there`() async throws {
        let server = try await TestServer(mains: [
            "a.x": (
                #"{"before_push": true, "commits": "read"}"#,
                """
                perigee.events.before_push(function(push)
                  local id, change, said = push.repository.id, push.changes[1], {}
                  for commit in perigee.commits.each(id, { tip = change.toHash, since = change.fromHash }) do
                    said[#said + 1] = commit.message
                  end
                  local tip = perigee.commits.get(id, change.toHash)
                  local forward = perigee.commits.is_ancestor(id, change.fromHash, change.toHash)
                  said[#said + 1] = #tip.parents .. tostring(forward) .. tostring(change.forced)
                  return false, table.concat(said, " ")
                end)
                """
            )
        ])
        let repository = try await server.makeRepository()
        let tip = try await server.commit("main", repository)
        let incoming = try await server.incomingCommits(["four", "five"], on: tip, repository)
        let session = server.hosting.pushes.begin(
            repository: repository, principal: .localOperator, transport: "http")
        let verdict = await session.preReceive(
            changes: [RefChange(ref: try .branch("main"), from: tip, to: incoming.tip)],
            quarantine: incoming.objects, options: [])
        #expect(verdict == .refuse(text: "five four 1truefalse"))
        await session.abandon()
        await server.stop()
    }

    @Test func `a plugin judges a push of very many refs in parts`() async throws {
        let server = try await TestServer(mains: [
            "a.x": (
                #"{"before_push": true, "kv": "1MiB"}"#,
                """
                perigee.events.before_push(function(push)
                  local count, parts = perigee.kv.get("count") or 0, perigee.kv.get("parts") or 0
                  perigee.kv.put("count", count + #push.changes)
                  perigee.kv.put("parts", parts + 1)
                end)
                """
            )
        ])
        let repository = try await server.makeRepository()
        let tip = try await server.commit("main", repository)
        let changes = try (0..<2_500).map {
            RefChange(ref: try RefName("refs/heads/b\($0)"), from: .zero, to: tip)
        }
        try await server.hosting.refs.update(changes, in: repository, trigger: .push, by: .localOperator)
        #expect(try await server.kv.fetchValue(namespace: "plugin/a.x", key: "count")?.value == 2_500)
        #expect(try await server.kv.fetchValue(namespace: "plugin/a.x", key: "parts")?.value == 3)
        await server.stop()
    }

    @Test(arguments: ["plugins/branch-protection", "plugins/mirroring", "plugins/push-mirror"])
    func `the plugin's own tests pass`(folder: String) async throws {
        let files = ProjectFiles.files(below: folder).filter { $0.key.hasSuffix(".lua") }
        let tests = files.keys.filter { $0.hasSuffix("_test.lua") }.sorted()
        #expect(!tests.isEmpty)
        let pool = LuaThreadPool(threads: 1, name: "lua-tests")
        for test in tests {
            let state = try LuaState(
                name: "test", limits: LuaLimits(), functions: [], constants: [:], sources: files, pool: pool,
                log: { _ in })
            do {
                try await state.load(test)
            } catch {
                Issue.record("\(test): \(error)")
            }
            await state.close()
        }
        pool.stop()
    }
}
