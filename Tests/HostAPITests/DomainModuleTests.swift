import Hosting
import Portable
import Testing

@Suite struct DomainModuleTests {
    private static let reading =
        #""repositories": "read", "projects": "read", "refs": "write", "commits": "read""#

    @Test func `repositories and projects are found by id by address and one after another`() async throws {
        let server = try await TestServer.running(
            """
            local repository = perigee.repositories.get(event.id)
            local slugs, keys = {}, {}
            for each in perigee.repositories.each({ project = "prj" }) do slugs[#slugs + 1] = each.slug end
            for each in perigee.projects.each() do keys[#keys + 1] = each.key end
            return repository.slug, repository.project.key, perigee.repositories.find("prj", "APP").id,
              slugs, keys, perigee.projects.get("prj").name, perigee.repositories.get(99) == nil,
              perigee.repositories.find("PRJ", "none") == nil, perigee.projects.get("NONE") == nil
            """, permissions: Self.reading)
        let repository = try await server.makeRepository()
        let result = try await server.run(["id": .integer(repository.id.rawValue)])
        #expect(
            result == [
                "app", "PRJ", .integer(repository.id.rawValue), ["app"], ["PRJ"], "Project", true, true, true,
            ])
        await server.stop()
    }

    @Test func `refs are read and changed with a check of what they were`() async throws {
        let server = try await TestServer.running(
            """
            local id, refs = event.id, perigee.refs
            local main = refs.get(id, "refs/heads/main")
            local made = refs.create(id, "refs/heads/dev", event.old)
            local again, conflict = refs.create(id, "refs/heads/dev", event.old)
            local moved = refs.update(id, "refs/heads/dev", main.target)
            local lost, stale = refs.update(id, "refs/heads/dev", event.old, { expected = event.old })
            local names = {}
            for ref in refs.each(id, { prefix = "refs/heads/" }) do names[#names + 1] = ref.display_id end
            local tip = refs.get(id, "refs/heads/dev").target
            local deleted = refs.delete(id, "refs/heads/dev")
            local gone, missing = refs.delete(id, "refs/heads/dev")
            local nowhere, none = refs.get(99, "refs/heads/main")
            return main.type, made, again == nil and conflict.code, moved, lost == nil and stale.code, names,
              tip == main.target, deleted, gone == nil and missing.code, nowhere == nil and none.code
            """, permissions: Self.reading)
        let repository = try await server.makeRepository()
        let old = try await server.commit("main~1", repository).hex
        let result = try await server.run(["id": .integer(repository.id.rawValue), "old": .string(old)])
        #expect(
            result == [
                "BRANCH", true, "conflict", true, "conflict", ["dev", "main"], true, true, "not_found",
                "not_found",
            ])
        #expect(try await server.git(["branch", "--format=%(refname:short)"], repository) == "main")
        await server.stop()
    }

    @Test func `a change of a ref with an older token than one before is refused`() async throws {
        let server = try await TestServer.running(
            """
            local id, refs = event.id, perigee.refs
            local main = refs.get(id, "refs/heads/main").target
            local made = refs.create(id, "refs/heads/dev", event.old, { fence = 5 })
            local moved = refs.update(id, "refs/heads/dev", main, { fence = 7 })
            local codes = {}
            local function note(ok, err) codes[#codes + 1] = ok == nil and err.code or "done" end
            note(refs.update(id, "refs/heads/dev", event.old, { fence = 6 }))
            note(refs.delete(id, "refs/heads/dev", { fence = 6 }))
            note(refs.create(id, "refs/heads/other", event.old, { fence = 1 }))
            note(refs.delete(id, "refs/heads/dev", { fence = 7 }))
            note(refs.create(id, "refs/heads/dev", event.old, { fence = 6 }))
            return made, moved, codes
            """, permissions: Self.reading)
        let repository = try await server.makeRepository()
        let old = try await server.commit("main~1", repository).hex
        let result = try await server.run(["id": .integer(repository.id.rawValue), "old": .string(old)])
        #expect(result == [true, true, ["fenced", "fenced", "done", "done", "fenced"]])
        await server.stop()
    }

    @Test func `commits are read by revision listed and compared`() async throws {
        let server = try await TestServer.running(
            """
            local id, commits = event.id, perigee.commits
            local tip = commits.get(id, "main")
            local all, since, path, two = {}, {}, {}, {}
            for commit in commits.each(id) do all[#all + 1] = commit.message end
            for commit in commits.each(id, { tip = "main", since = event.old }) do
              since[#since + 1] = commit.message
            end
            for commit in commits.each(id, { path = "a.txt" }) do path[#path + 1] = commit.message end
            for commit in commits.each(id, { limit = 2 }) do two[#two + 1] = commit.message end
            return tip.message, tip.committer.name, tip.committer_timestamp, #tip.parents,
              commits.get(id, "none") == nil, all, since, path, two,
              commits.is_ancestor(id, event.old, tip.id), commits.is_ancestor(id, tip.id, event.old)
            """, permissions: Self.reading)
        let repository = try await server.makeRepository()
        let old = try await server.commit("main~1", repository).hex
        let result = try await server.run(["id": .integer(repository.id.rawValue), "old": .string(old)])
        #expect(
            result == [
                "three", "C O Mitter", 1_700_000_000_000, 1, true, ["three", "two", "one"], ["three"],
                ["two", "one"], ["three", "two"], true, false,
            ])
        await server.stop()
    }

    @Test(arguments: [
        ("perigee.refs.create(1, 'refs/heads/x', ('1'):rep(40))", #""refs": "write""#),
        ("perigee.refs.get(1, 'refs/heads/x')", #""refs": "read""#),
        ("perigee.repositories.get(1)", #""repositories": "read""#),
        ("perigee.commits.get(1, 'main')", #""commits": "read""#),
        ("perigee.projects.get('PRJ')", #""projects": "read""#),
    ])
    func `what the manifest does not ask for is refused with the line to add`(
        call: String, line: String
    ) async throws {
        let permissions = line.contains("write") ? #""refs": "read""# : ""
        let server = try await TestServer.running(
            "return select(2, pcall(function() \(call) end))", permissions: permissions)
        let text = try await server.run([:])[0]?.stringValue ?? ""
        #expect(
            text.contains("permission denied: ") && text.contains("needs \(line) in plugin.json"),
            "got: \(text)")
        await server.stop()
    }
}
