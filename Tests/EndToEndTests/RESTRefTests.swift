import NodeTestKit
import Portable
import Testing

extension RESTSuite {
    @Suite struct RefTests {
        @Test func `an empty repository has no default branch yet`() async throws {
            let key = try await makeProject()
            try await node.makeRepository(key, "rep")
            let address = "/rest/api/1.0/projects/\(key)/repos/rep"
            #expect(try await node.http.get(address + "/branches/default").status == 204)
            #expect(try await node.http.get(address + "/default-branch").status == 204)
            #expect(try await node.http.get(address + "/branches").json()["values"] == [])
        }

        @Test func `branches are created, filtered, ordered and described`() async throws {
            let node = try node
            let pushed = try await makePushedProject()
            let made = try await node.http.post(
                pushed.address + "/branches", ["name": "feature/a b", "startPoint": "master"])
            #expect(made.status == 400)
            let branch = try await node.http.post(
                pushed.address + "/branches", ["name": "feature/ab", "startPoint": .string(pushed.tip)])
            #expect(branch.status == 200)
            let shape = try branch.json()
            #expect(shape["id"] == "refs/heads/feature/ab")
            #expect(shape["displayId"] == "feature/ab")
            #expect(shape["type"] == "BRANCH")
            #expect(shape["latestCommit"] == .string(pushed.tip))
            #expect(shape["isDefault"] == false)

            let again = try await node.http.post(
                pushed.address + "/branches", ["name": "feature/ab", "startPoint": "master"])
            #expect(again.status == 409)
            let nowhere = try await node.http.post(
                pushed.address + "/branches", ["name": "other", "startPoint": "nosuch"])
            #expect(nowhere.status == 404)

            let list = pushed.address + "/branches"
            #expect(try await node.http.get(list).texts("displayId") == ["feature/ab", "master"])
            #expect(try await node.http.get(list + "?filterText=FEAT").texts("displayId") == ["feature/ab"])
            let modified = try await node.http.get(list + "?orderBy=MODIFICATION&details=true")
            #expect(try modified.texts("displayId").count == 2)
            let commit = try modified.json()["values"]?[0]?["metadata"]?[
                "com.atlassian.bitbucket.server.bitbucket-branch:latest-commit-metadata"]
            #expect(commit?["id"] == .string(pushed.tip))
            #expect(try await node.http.get(list + "?orderBy=SIZE").status == 400)
            #expect(try await node.http.get(list + "?base=nosuch").status == 404)
        }

        @Test func `the default branch is read and set by both addresses`() async throws {
            let node = try node
            let pushed = try await makePushedProject()
            #expect(
                try await node.http.get(pushed.address + "/branches/default").json()["displayId"] == "master")
            _ = try await node.http.post(
                pushed.address + "/branches", ["name": "next", "startPoint": "master"])
            let set = try await node.http.put(
                pushed.address + "/branches/default", ["id": "refs/heads/next"])
            #expect(set.status == 204)
            let read = try await node.http.get(pushed.address + "/default-branch").json()
            #expect(read["id"] == "refs/heads/next")
            #expect(read["isDefault"] == true)
            #expect(
                try await node.http.put(pushed.address + "/default-branch", ["id": "master"]).status == 204)
            let missing = try await node.http.put(pushed.address + "/default-branch", ["id": "nosuch"])
            #expect(missing.status == 404)
        }

        @Test func `a branch is deleted by a body, if it is where the caller believes`() async throws {
            let node = try node
            let pushed = try await makePushedProject()
            _ = try await node.http.post(
                pushed.address + "/branches", ["name": "old/one", "startPoint": "master"])
            let deletion = pushed.address(below: "branch-utils") + "/branches"
            let elsewhere: PortableValue = [
                "name": "old/one", "endPoint": .string(String(repeating: "1", count: 40)),
            ]
            #expect(try await node.http.delete(deletion, elsewhere).status == 400)
            #expect(
                try await node.http.delete(deletion, ["name": "old/one", "endPoint": "--x"]).status == 400)
            let dry = try await node.http.delete(deletion, ["name": "refs/heads/old/one", "dryRun": true])
            #expect(dry.status == 204)
            let list = pushed.address + "/branches?filterText=old"
            #expect(try await node.http.get(list).texts("displayId") == ["old/one"])
            let real = try await node.http.delete(
                deletion, ["name": "refs/heads/old/one", "endPoint": .string(pushed.tip), "dryRun": false])
            #expect(real.status == 204)
            #expect(try await node.http.get(list).texts("displayId") == [])
            #expect(try await node.http.delete(deletion, ["name": "old/one"]).status == 204)
            #expect(try await node.http.delete(deletion, ["name": "master"]).status == 400)
        }

        @Test func `tags are made, lightweight or annotated, read by names with slashes, and deleted`()
            async throws
        {
            let node = try node
            let pushed = try await makePushedProject()
            let tags = pushed.address + "/tags"
            let light = try await node.http.post(tags, ["name": "v/1", "startPoint": "master"])
            #expect(light.status == 200)
            #expect(try light.json()["id"] == "refs/tags/v/1")
            #expect(try light.json()["type"] == "TAG")
            #expect(try light.json()["hash"] == .null)
            let annotated = try await node.http.post(
                tags, ["name": "v2", "startPoint": "master", "message": "two"])
            #expect(try annotated.json()["latestCommit"] == .string(pushed.tip))
            #expect(try annotated.json()["hash"]?.stringValue?.count == 40)
            #expect(try await node.http.get(tags).texts("displayId") == ["v/1", "v2"])
            #expect(try await node.http.get(tags + "/v/1").json()["latestCommit"] == .string(pushed.tip))
            #expect(try await node.http.get(tags + "/v%2F1").status == 200)
            #expect(try await node.http.get(tags + "/v3").status == 404)
            let deletion = pushed.address(below: "git") + "/tags/v/1"
            #expect(try await node.http.delete(deletion).status == 204)
            #expect(try await node.http.get(tags).texts("displayId") == ["v2"])
            let remote = try await pushed.git.succeed(
                "ls-remote", "--tags", node.remote(pushed.key, "rep"), in: pushed.folder)
            #expect(remote.contains("refs/tags/v2^{}"))
            #expect(!remote.contains("refs/tags/v/1"))
        }

        @Test func `readers may list but not create or delete`() async throws {
            let node = try node
            let pushed = try await makePushedProject()
            let user = unique("u")
            try await node.makeUser(user)
            try await node.grant(user, "REPO_READ", project: pushed.key, repository: "rep")
            let client = node.anonymous.basic(user, "user-Passw0rd")
            #expect(try await client.get(pushed.address + "/branches").status == 200)
            let branch: PortableValue = ["name": "mine", "startPoint": "master"]
            #expect(try await client.post(pushed.address + "/branches", branch).status == 401)
            #expect(try await client.post(pushed.address + "/tags", branch).status == 401)
            let deletion = pushed.address(below: "branch-utils") + "/branches"
            #expect(try await client.delete(deletion, ["name": "master"]).status == 401)
        }

        @Test(arguments: [
            "--upload-pack=x", "a..b", "a b", "a~1", "HEAD^", "x.lock", "/x", "x/", "a//b", "@{u}", "a\u{0}b",
            "",
            String(repeating: "r", count: 5000),
        ])
        func `a hostile branch or tag name is refused with a sentence`(name: String) async throws {
            let node = try node
            let pushed = try await makePushedProject()
            for kind in ["branches", "tags"] {
                let answer = try await node.http.post(
                    "\(pushed.address)/\(kind)", ["name": .string(name), "startPoint": "master"])
                #expect(answer.status == 400, "\(kind)")
                #expect(answer.error?["message"]?.stringValue?.isEmpty == false)
            }
        }

        @Test(arguments: ["--all", "master~1", "master^{tree}", ":/x", "@{-1}", "master..master"])
        func `a start point that is an option or an expression is not found`(startPoint: String) async throws
        {
            let pushed = try await makePushedProject()
            let answer = try await node.http.post(
                pushed.address + "/branches", ["name": "x", "startPoint": .string(startPoint)])
            #expect(answer.status == 404 || answer.status == 400)
        }
    }
}
