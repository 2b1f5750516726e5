import NodeTestKit
import Portable
import Testing

extension RESTSuite {
    @Suite struct PermissionTests {
        @Test func `a grant on a repository opens that one, and its end closes it`() async throws {
            let node = try node
            let key = try await makeProject()
            try await node.makeRepository(key, "one")
            try await node.makeRepository(key, "two")
            let user = unique("u")
            try await node.makeUser(user)
            let client = node.anonymous.basic(user, "user-Passw0rd")
            let one = "/rest/api/1.0/projects/\(key)/repos/one"
            #expect(try await client.get(one).status == 404)
            let grants = one + "/permissions/users"
            #expect(try await node.http.put(grants + "?name=\(user)&permission=REPO_READ").status == 204)
            #expect(try await client.get(one).status == 200)
            #expect(try await client.get("/rest/api/1.0/projects/\(key)/repos/two").status == 404)
            let listed = try await node.http.get(grants).json()["values"]
            #expect(listed?[0]?["user"]?["name"] == .string(user))
            #expect(listed?[0]?["permission"] == "REPO_READ")
            #expect(try await client.get(grants).status == 401)
            #expect(try await node.http.delete(grants + "?name=\(user)").status == 204)
            #expect(try await client.get(one).status == 404)
        }

        @Test func `a group's grant on a project holds for its members`() async throws {
            let node = try node
            let key = try await makeProject()
            try await node.makeRepository(key, "rep")
            let user = unique("u")
            let group = unique("g")
            try await node.makeUser(user)
            _ = try await node.http.send("POST", "/rest/api/1.0/admin/groups?name=\(group)")
            let grants = "/rest/api/1.0/projects/\(key)/permissions/groups"
            #expect(try await node.http.put(grants + "?name=\(group)&permission=PROJECT_WRITE").status == 204)
            let client = node.anonymous.basic(user, "user-Passw0rd")
            let repository = "/rest/api/1.0/projects/\(key)/repos/rep"
            #expect(try await client.get(repository).status == 404)
            _ = try await node.http.post(
                "/rest/api/1.0/admin/groups/add-user", ["context": .string(group), "itemName": .string(user)])
            #expect(try await client.get(repository).status == 200)
            let listed = try await node.http.get(grants).json()["values"]
            #expect(listed == [["group": ["name": .string(group)], "permission": "PROJECT_WRITE"]])
            #expect(try await node.http.delete(grants + "?name=\(group)").status == 204)
            #expect(try await client.get(repository).status == 404)
        }

        @Test func `a global grant lets a user create projects`() async throws {
            let node = try node
            let user = unique("u")
            try await node.makeUser(user)
            let client = node.anonymous.basic(user, "user-Passw0rd")
            let body: PortableValue = [
                "key": .string(unique("P").uppercased()), "name": .string(unique("n")),
            ]
            #expect(try await client.post("/rest/api/1.0/projects", body).status == 401)
            let grants = "/rest/api/1.0/admin/permissions/users"
            #expect(try await node.http.put(grants + "?name=\(user)&permission=PROJECT_CREATE").status == 204)
            #expect(try await client.post("/rest/api/1.0/projects", body).status == 201)
            let listed = try await node.http.get(grants + "?filter=\(user)").json()["values"]
            #expect(listed?[0]?["permission"] == "PROJECT_CREATE")
        }

        @Test func `what everybody may in a project is asked and set`() async throws {
            let node = try node
            let key = try await makeProject()
            let user = unique("u")
            try await node.makeUser(user)
            let client = node.anonymous.basic(user, "user-Passw0rd")
            let all = "/rest/api/1.0/projects/\(key)/permissions/PROJECT_READ/all"
            #expect(try await node.http.get(all).json() == ["permitted": false])
            #expect(try await client.get("/rest/api/1.0/projects/\(key)").status == 404)
            #expect(try await node.http.send("POST", all + "?allow=true").status == 204)
            #expect(try await node.http.get(all).json() == ["permitted": true])
            #expect(try await client.get("/rest/api/1.0/projects/\(key)").status == 200)
            #expect(try await node.http.send("POST", all + "?allow=false").status == 204)
            #expect(try await client.get("/rest/api/1.0/projects/\(key)").status == 404)
            #expect(try await node.http.send("POST", all).status == 400)
        }

        @Test func `a permission that does not fit is refused and named`() async throws {
            let node = try node
            let key = try await makeProject()
            let grants = "/rest/api/1.0/projects/\(key)/permissions/users"
            for wrong in ["permission=REPO_READ", "permission=SYS_ADMIN", "permission=FLY", "permission="] {
                let answer = try await node.http.put(grants + "?name=admin&\(wrong)")
                #expect(answer.status == 400, "\(wrong)")
                #expect(answer.error?["context"] == "permission")
            }
            let nobody = try await node.http.put(grants + "?name=\(unique("x"))&permission=PROJECT_READ")
            #expect(nobody.status == 404)
            let nameless = try await node.http.put(grants + "?permission=PROJECT_READ")
            #expect(nameless.status == 400)
            #expect(nameless.error?["context"] == "name")
        }

        @Test func `the last system administrator cannot be taken away`() async throws {
            let answer = try await node.http.delete("/rest/api/1.0/admin/permissions/users?name=admin")
            #expect(answer.status == 409)
            #expect(try await node.http.get("/rest/api/1.0/admin/users").status == 200)
        }
    }
}
