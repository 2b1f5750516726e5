import NodeTestKit
import Portable
import Testing

extension RESTSuite {
    @Suite struct ProjectTests {
        @Test func `a project is created, read in any case, changed and deleted`() async throws {
            let node = try node
            let key = unique("P").uppercased()
            let made = try await node.http.post(
                "/rest/api/1.0/projects",
                ["key": .string(key), "name": .string("Name \(key)"), "description": "d"])
            #expect(made.status == 201)
            let project = try made.json()
            #expect(project["key"] == .string(key))
            #expect(project["name"] == .string("Name \(key)"))
            #expect(project["description"] == "d")
            #expect(project["public"] == false)
            #expect(project["type"] == "NORMAL")
            #expect(project["id"]?.integerValue != nil)
            #expect(project["links"]?["self"]?[0]?["href"]?.stringValue?.hasPrefix(node.url) == true)

            let read = try await node.http.get("/rest/api/latest/projects/\(key.lowercased())/")
            #expect(read.status == 200)
            #expect(try read.json() == project)

            let changed = try await node.http.put(
                "/rest/api/1.0/projects/\(key)", ["description": "other", "public": true])
            #expect(changed.status == 200)
            #expect(try changed.json()["description"] == "other")
            #expect(try changed.json()["public"] == true)

            #expect(try await node.http.delete("/rest/api/1.0/projects/\(key)").status == 204)
            let gone = try await node.http.get("/rest/api/1.0/projects/\(key)")
            #expect(gone.status == 404)
            #expect(
                gone.error?["exceptionName"] == "com.atlassian.bitbucket.project.NoSuchProjectException")
        }

        @Test func `a key in use is a conflict and nothing changes`() async throws {
            let key = try await makeProject()
            let again = try await node.http.post(
                "/rest/api/1.0/projects", ["key": .string(key.lowercased()), "name": .string(unique("n"))])
            #expect(again.status == 409)
            #expect(again.error?["message"]?.stringValue?.isEmpty == false)
        }

        @Test func `a missing or ill-typed field is named, an unknown one ignored`() async throws {
            let node = try node
            let missing = try await node.http.post("/rest/api/1.0/projects", ["key": "KEYONLY"])
            #expect(missing.status == 400)
            #expect(missing.error?["context"] == "name")
            let mistyped = try await node.http.post(
                "/rest/api/1.0/projects", ["key": "KEYX", "name": 5])
            #expect(mistyped.status == 400)
            #expect(mistyped.error?["context"] == "name")
            #expect(mistyped.error?["message"]?.stringValue?.contains("number") == true)
            let key = unique("P").uppercased()
            let unknown = try await node.http.post(
                "/rest/api/1.0/projects", ["key": .string(key), "name": .string(key), "whatever": ["x": 1]])
            #expect(unknown.status == 201)
        }

        @Test func `a project with repositories is not deleted`() async throws {
            let key = try await makeProject()
            try await node.makeRepository(key, "rep")
            #expect(try await node.http.delete("/rest/api/1.0/projects/\(key)").status == 409)
            #expect(try await node.http.get("/rest/api/1.0/projects/\(key)/repos/rep").status == 200)
        }

        @Test func `who may not create projects is told, who is nobody is asked who it is`() async throws {
            let node = try node
            let user = unique("u")
            try await node.makeUser(user)
            let body: PortableValue = ["key": "NOPE", "name": "Nope"]
            let refused = try await node.anonymous.basic(user, "user-Passw0rd")
                .post("/rest/api/1.0/projects", body)
            #expect(refused.status == 401)
            #expect(refused.error?["exceptionName"] == "com.atlassian.bitbucket.AuthorisationException")
            let asked = try await node.anonymous.post("/rest/api/1.0/projects", body)
            #expect(asked.status == 401)
            #expect(asked.header("WWW-Authenticate")?.hasPrefix("Basic ") == true)
        }

        @Test func `what a caller may not see does not exist for it`() async throws {
            let node = try node
            let hidden = try await makeProject()
            let open = try await makeProject(isPublic: true)
            let user = unique("u")
            try await node.makeUser(user)
            let client = node.anonymous.basic(user, "user-Passw0rd")
            #expect(try await client.get("/rest/api/1.0/projects/\(hidden)").status == 404)
            #expect(try await client.get("/rest/api/1.0/projects/\(open)").status == 200)
            #expect(try await node.anonymous.get("/rest/api/1.0/projects/\(open)").status == 200)
            let listed = try await client.get("/rest/api/1.0/projects?limit=1000").texts("key")
            #expect(listed.contains(open))
            #expect(!listed.contains(hidden))
        }

        @Test(arguments: [
            "..", "a/b", "a\\b", "-x", "1abc", "a b", "é", "~admin", "a\u{0}b",
            String(repeating: "k", count: 5000),
        ])
        func `a hostile project key is refused with a sentence`(key: String) async throws {
            let answer = try await node.http.post(
                "/rest/api/1.0/projects", ["key": .string(key), "name": .string(unique("n"))])
            #expect(answer.status == 400)
            #expect(answer.error?["context"] == "key")
            #expect(answer.error?["message"]?.stringValue?.isEmpty == false)
        }

        @Test(arguments: ["%2e%2e", "..", "a%2Fb", "%00", "a%5Cb", "%0a", "%ff", "%zz"])
        func `a hostile project key in a path is a clear 4xx`(segment: String) async throws {
            let answer = try await node.http.get("/rest/api/1.0/projects/\(segment)/repos")
            #expect(answer.status == 400 || answer.status == 404)
            #expect(answer.error?["message"]?.stringValue?.isEmpty == false)
        }

        @Test func `a user's personal project is made at its first use`() async throws {
            let node = try node
            let user = unique("u")
            try await node.makeUser(user)
            let client = node.anonymous.basic(user, "user-Passw0rd")
            let project = try await client.get("/rest/api/1.0/projects/~\(user)").json()
            #expect(project["type"] == "PERSONAL")
            #expect(project["owner"]?["name"] == .string(user))
            let made = try await client.post("/rest/api/1.0/projects/~\(user)/repos", ["name": "own"])
            #expect(made.status == 201)
        }
    }
}
