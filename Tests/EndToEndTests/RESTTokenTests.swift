import NodeTestKit
import Portable
import Testing

extension RESTSuite {
    @Suite struct TokenTests {
        @Test func `a user's token is shown once and works as bearer and as password`() async throws {
            let node = try node
            let user = unique("u")
            try await node.makeUser(user)
            let own = node.anonymous.basic(user, "user-Passw0rd")
            let tokens = "/rest/access-tokens/1.0/users/\(user)"
            let made = try await own.put(
                tokens, ["name": "ci", "permissions": ["REPO_READ"], "expiryDays": 30])
            #expect(made.status == 200)
            let token = try made.json()
            let secret = try #require(token["token"]?.stringValue)
            let id = try #require(token["id"]?.stringValue)
            #expect(token["name"] == "ci")
            #expect(token["createdDate"]?.integerValue != nil)
            #expect(token["expiryDate"]?.integerValue != nil)

            let bearer = try await node.anonymous.bearer(secret).get("/rest/api/1.0/users/\(user)")
            #expect(bearer.status == 200)
            #expect(bearer.header("X-AUSERNAME") == user)
            let basic = node.anonymous.basic(user, secret)
            #expect(try await basic.get("/rest/api/1.0/users/\(user)").status == 200)

            let list = try await own.get("/rest/access-tokens/latest/users/\(user)")
            #expect(try list.texts("id") == [id])
            #expect(!list.text.contains(secret))
            #expect(try await own.get("\(tokens)/\(id)").json()["token"] == nil)

            let renamed = try await own.post("\(tokens)/\(id)", ["name": "cd"])
            #expect(try renamed.json()["name"] == "cd")
            #expect(try await own.delete("\(tokens)/\(id)").status == 204)
            let revoked = try await node.anonymous.bearer(secret).get("/rest/api/1.0/users/\(user)")
            #expect(revoked.status == 401)
            #expect(try await own.get("\(tokens)/\(id)").status == 404)
        }

        @Test func `a token allows no more than it was made for`() async throws {
            let node = try node
            let pushed = try await makePushedProject()
            let made = try await node.http.put(
                "/rest/access-tokens/1.0/users/admin",
                ["name": .string(unique("t")), "permissions": ["REPO_READ"]])
            let client = node.anonymous.bearer(try #require(try made.json()["token"]?.stringValue))
            #expect(try await client.get(pushed.address + "/branches").status == 200)
            let branch: PortableValue = ["name": "x", "startPoint": "master"]
            #expect(try await client.post(pushed.address + "/branches", branch).status == 401)
            #expect(try await client.get("/rest/api/1.0/admin/users").status == 401)
            let more = try await client.put("/rest/access-tokens/1.0/users/admin", ["name": "more"])
            #expect(more.status == 401)
        }

        @Test func `a repository's token works there and nowhere else`() async throws {
            let node = try node
            let key = try await makeProject()
            try await node.makeRepository(key, "one")
            try await node.makeRepository(key, "two")
            let made = try await node.http.put(
                "/rest/access-tokens/1.0/projects/\(key)/repos/one",
                ["name": "deploy", "permissions": ["REPO_WRITE"]])
            #expect(made.status == 200)
            let client = node.anonymous.bearer(try #require(try made.json()["token"]?.stringValue))
            #expect(try await client.get("/rest/api/1.0/projects/\(key)/repos/one").status == 200)
            #expect(try await client.get("/rest/api/1.0/projects/\(key)/repos/two").status == 404)
        }

        @Test func `another user's tokens are nobody else's affair`() async throws {
            let node = try node
            let user = unique("u")
            try await node.makeUser(user)
            let client = node.anonymous.basic(user, "user-Passw0rd")
            #expect(try await client.get("/rest/access-tokens/1.0/users/admin").status == 401)
            #expect(try await client.put("/rest/access-tokens/1.0/users/admin", ["name": "x"]).status == 401)
            #expect(try await node.anonymous.get("/rest/access-tokens/1.0/users/\(user)").status == 401)
        }

        @Test func `ill-made tokens are refused with the field's name`() async throws {
            let tokens = "/rest/access-tokens/1.0/users/admin"
            let cases: [(PortableValue, String)] = [
                (["permissions": []], "name"),
                (["name": "x", "permissions": ["REPO_REED"]], "permissions"),
                (["name": "x", "permissions": "REPO_READ"], "permissions"),
                (["name": "x", "expiryDays": "soon"], "expiryDays"),
                (["name": "x", "expiryDays": 0], "expiryDays"),
                (["name": "x", "expiryDays": .integer(.max)], "expiryDays"),
            ]
            for (body, field) in cases {
                let answer = try await node.http.put(tokens, body)
                #expect(answer.status == 400, "\(body)")
                #expect(answer.error?["context"] == .string(field), "\(body)")
            }
            for id in ["abc", "99999999999999999999", "0"] {
                #expect(try await node.http.get("\(tokens)/\(id)").status == 404)
            }
        }
    }
}
