import NodeTestKit
import Portable
import Testing

extension RESTSuite {
    @Suite struct RepositoryTests {
        @Test func `a repository is created in the original's shape`() async throws {
            let node = try node
            let key = try await makeProject()
            let made = try await node.http.post(
                "/rest/api/1.0/projects/\(key)/repos",
                ["name": "My Repo", "scmId": "git", "description": "d"])
            #expect(made.status == 201)
            let repository = try made.json()
            #expect(repository["slug"] == "my-repo")
            #expect(repository["name"] == "My Repo")
            #expect(repository["scmId"] == "git")
            #expect(repository["state"] == "AVAILABLE")
            #expect(repository["forkable"] == true)
            #expect(repository["archived"] == false)
            #expect(repository["public"] == false)
            #expect(repository["hierarchyId"]?.stringValue?.count == 20)
            #expect(repository["project"]?["key"] == .string(key))
            let clone = repository["links"]?["clone"]?.listValue?.first { $0["name"] == "http" }
            #expect(clone?["href"] == .string("\(node.url)/scm/\(key.lowercased())/my-repo.git"))
            let read = try await node.http.get("/rest/api/latest/projects/\(key)/repos/MY-REPO")
            #expect(try read.json() == repository)
        }

        @Test func `the same name again is a conflict`() async throws {
            let node = try node
            let key = try await makeProject()
            try await node.makeRepository(key, "rep")
            let again = try await node.http.post("/rest/api/1.0/projects/\(key)/repos", ["name": "REP"])
            #expect(again.status == 409)
        }

        @Test func `another scm than git is refused`() async throws {
            let key = try await makeProject()
            let answer = try await node.http.post(
                "/rest/api/1.0/projects/\(key)/repos", ["name": "rep", "scmId": "hg"])
            #expect(answer.status == 400)
            #expect(answer.error?["context"] == "scmId")
        }

        @Test func `renamed and moved, a repository answers at its old address too`() async throws {
            let node = try node
            let key = try await makeProject()
            let other = try await makeProject()
            try await node.makeRepository(key, "old")
            let renamed = try await node.http.put("/rest/api/1.0/projects/\(key)/repos/old", ["name": "new"])
            #expect(renamed.status == 201)
            #expect(try renamed.json()["slug"] == "new")
            let moved = try await node.http.put(
                "/rest/api/1.0/projects/\(key)/repos/new", ["project": ["key": .string(other)]])
            #expect(moved.status == 201)
            #expect(try moved.json()["project"]?["key"] == .string(other))
            for address in ["\(key)/repos/old", "\(key)/repos/new", "\(other)/repos/new"] {
                let found = try await node.http.get("/rest/api/1.0/projects/\(address)")
                #expect(found.status == 200)
                #expect(try found.json()["slug"] == "new")
            }
        }

        @Test func `a whole entity sent back with one field changed changes that field`() async throws {
            let node = try node
            let key = try await makeProject()
            try await node.makeRepository(key, "rep")
            let address = "/rest/api/1.0/projects/\(key)/repos/rep"
            var entity = try #require(try await node.http.get(address).json().mapValue)
            entity["archived"] = true
            let archived = try await node.http.put(address, .map(entity))
            #expect(archived.status == 201)
            #expect(try archived.json()["archived"] == true)
            entity["archived"] = false
            #expect(try await node.http.put(address, .map(entity)).json()["archived"] == false)
        }

        @Test func `an archived repository is listed only on request and takes no push`() async throws {
            let node = try node
            let pushed = try await makePushedProject()
            #expect(try await node.http.put(pushed.address, ["archived": true]).status == 201)
            let list = "/rest/api/1.0/repos?projectkey=\(pushed.key)"
            #expect(try await node.http.get(list).texts("slug") == [])
            #expect(try await node.http.get(list + "&archived=ARCHIVED").texts("slug") == ["rep"])
            #expect(try await node.http.get(list + "&archived=ALL").texts("slug") == ["rep"])
            try await pushed.git.commit(in: pushed.folder, file: "more.txt", text: "more\n")
            let push = try await pushed.git.run(
                "push", node.remote(pushed.key, "rep"), "HEAD:refs/heads/master", in: pushed.folder)
            #expect(!push.succeeded)
        }

        @Test func `a deleted repository is gone; deleting it again says there was none`() async throws {
            let node = try node
            let key = try await makeProject()
            try await node.makeRepository(key, "rep")
            let address = "/rest/api/1.0/projects/\(key)/repos/rep"
            #expect(try await node.http.delete(address).status == 202)
            let gone = try await node.http.get(address)
            #expect(gone.status == 404)
            #expect(
                gone.error?["exceptionName"]
                    == "com.atlassian.bitbucket.repository.NoSuchRepositoryException")
            #expect(try await node.http.delete(address).status == 204)
            #expect(try await node.http.delete("/rest/api/1.0/projects/NOSUCH/repos/rep").status == 404)
        }

        @Test func `the global list filters by name, permission and visibility`() async throws {
            let node = try node
            let key = try await makeProject()
            try await node.makeRepository(key, "alpha", isPublic: true)
            try await node.makeRepository(key, "beta")
            let user = unique("u")
            try await node.makeUser(user)
            try await node.grant(user, "REPO_WRITE", project: key, repository: "beta")
            let client = node.anonymous.basic(user, "user-Passw0rd")
            let list = "/rest/api/1.0/repos?projectkey=\(key)"
            #expect(try await client.get(list).texts("slug") == ["alpha", "beta"])
            #expect(try await client.get(list + "&permission=REPO_WRITE").texts("slug") == ["beta"])
            #expect(try await client.get(list + "&visibility=public").texts("slug") == ["alpha"])
            #expect(try await client.get(list + "&name=BET").texts("slug") == ["beta"])
            #expect(try await client.get(list + "&state=AVAILABLE&limit=1").texts("slug") == ["alpha"])
            #expect(try await node.anonymous.get(list).texts("slug") == ["alpha"])
            let wrong = try await client.get(list + "&permission=PROJECT_READ")
            #expect(wrong.status == 400)
            #expect(wrong.error?["context"] == "permission")
        }

        @Test(arguments: [
            "..", ".hidden", "-dash", "a/b", "a\\b", "a\u{0}b", "x.git", "", "a\nb",
            String(repeating: "n", count: 5000),
        ])
        func `a hostile repository name is refused with a sentence`(name: String) async throws {
            let key = try await makeProject()
            let answer = try await node.http.post(
                "/rest/api/1.0/projects/\(key)/repos", ["name": .string(name)])
            #expect(answer.status == 400)
            #expect(answer.error?["context"] == "name")
            #expect(try await node.http.get("/rest/api/1.0/projects/\(key)/repos").json()["size"] == 0)
        }

        @Test(arguments: ["%2e%2e", "a%2Fb", "%00", "a%5C..%5Cb", ".git", "%20"])
        func `a hostile slug in a path is a clear 4xx`(slug: String) async throws {
            let key = try await makeProject()
            let answer = try await node.http.get("/rest/api/1.0/projects/\(key)/repos/\(slug)/branches")
            #expect(answer.status == 400 || answer.status == 404)
            #expect(answer.error?["message"]?.stringValue?.isEmpty == false)
        }
    }
}
