import NodeTestKit
import Portable
import Testing

extension RESTSuite {
    @Suite struct PeopleTests {
        private let administration = "/rest/api/latest/admin"

        @Test func `a user made by query parameters logs in and is shown`() async throws {
            let node = try node
            let name = unique("u")
            let made = try await node.http.send(
                "POST",
                administration + "/users?name=\(name)&password=s3cret-pass&displayName=Uma%20U"
                    + "&emailAddress=u%40example.org")
            #expect(made.status == 204)
            let client = node.anonymous.basic(name, "s3cret-pass")
            let shown = try await client.get("/rest/api/1.0/users/\(name)")
            #expect(shown.status == 200)
            #expect(shown.header("X-AUSERNAME") == name)
            let user = try shown.json()
            #expect(user["name"] == .string(name))
            #expect(user["displayName"] == "Uma U")
            #expect(user["emailAddress"] == "u@example.org")
            #expect(user["active"] == true)
            #expect(user["slug"] == .string(name))
            #expect(user["type"] == "NORMAL")
            #expect(user["password"] == nil)
            let again = try await node.http.send(
                "POST", administration + "/users?name=\(name)&password=x&displayName=x&emailAddress=x%40x.org"
            )
            #expect(again.status == 409)
        }

        @Test func `a user made by a body needs no password in the address`() async throws {
            let node = try node
            let name = unique("u")
            let made = try await node.http.post(
                administration + "/users",
                [
                    "name": .string(name), "password": "s3cret-pass", "displayName": "Body",
                    "emailAddress": "b@example.org", "addToDefaultGroup": false,
                ])
            #expect(made.status == 204)
            let incomplete = try await node.http.send("POST", administration + "/users?name=\(name)x")
            #expect(incomplete.status == 400)
            #expect(incomplete.error?["context"] == "displayName")
        }

        @Test func `passwords are changed by the administrator and by the user itself`() async throws {
            let node = try node
            let name = unique("u")
            try await node.makeUser(name)
            let own = node.anonymous.basic(name, "user-Passw0rd")
            #expect(try await own.get("/rest/api/1.0/users/\(name)").status == 200)
            let differing = try await node.http.put(
                administration + "/users/credentials",
                ["name": .string(name), "password": "second-Pass1", "passwordConfirm": "other"])
            #expect(differing.status == 400)
            #expect(differing.error?["context"] == "passwordConfirm")
            let changed = try await node.http.put(
                administration + "/users/credentials",
                ["name": .string(name), "password": "second-Pass1", "passwordConfirm": "second-Pass1"])
            #expect(changed.status == 204)
            #expect(try await own.get("/rest/api/1.0/users/\(name)").status == 401)
            let second = node.anonymous.basic(name, "second-Pass1")
            let mine = try await second.put(
                "/rest/api/1.0/users/credentials",
                ["oldPassword": "second-Pass1", "password": "third-Pass1", "passwordConfirm": "third-Pass1"])
            #expect(mine.status == 204)
            #expect(try await second.get("/rest/api/1.0/users/\(name)").status == 401)
            let third = node.anonymous.basic(name, "third-Pass1")
            #expect(try await third.get("/rest/api/1.0/users/\(name)").status == 200)
        }

        @Test func `a user is changed, renamed and deleted`() async throws {
            let node = try node
            let name = unique("u")
            try await node.makeUser(name)
            let changed = try await node.http.put(
                administration + "/users",
                ["name": .string(name), "displayName": "New Name", "email": "new@example.org"])
            #expect(changed.status == 200)
            #expect(try changed.json()["displayName"] == "New Name")
            #expect(try changed.json()["emailAddress"] == "new@example.org")
            let renamed = try await node.http.post(
                administration + "/users/rename", ["name": .string(name), "newName": .string(name + "x")])
            #expect(try renamed.json()["name"] == .string(name + "x"))
            let deleted = try await node.http.delete(administration + "/users?name=\(name)x")
            #expect(deleted.status == 200)
            #expect(try deleted.json()["name"] == .string(name + "x"))
            #expect(try await node.http.get("/rest/api/1.0/users/\(name)x").status == 404)
            #expect(try await node.http.delete(administration + "/users?name=\(name)x").status == 404)
        }

        @Test func `groups have members, from either side`() async throws {
            let node = try node
            let user = unique("u")
            let group = unique("g")
            try await node.makeUser(user)
            #expect(try await node.http.send("POST", administration + "/groups?name=\(group)").status == 200)
            #expect(try await node.http.send("POST", administration + "/groups?name=\(group)").status == 409)
            let added = try await node.http.post(
                administration + "/users/add-group", ["context": .string(user), "itemName": .string(group)])
            #expect(added.status == 200)
            let members = administration + "/groups/more-members?context=\(group)"
            #expect(try await node.http.get(members).texts("name") == [user])
            let groups = administration + "/users/more-members?context=\(user)"
            #expect(try await node.http.get(groups).texts("name").contains(group))
            let removed = try await node.http.post(
                administration + "/groups/remove-user",
                ["context": .string(group), "itemName": .string(user)])
            #expect(removed.status == 200)
            #expect(try await node.http.get(members).texts("name") == [])
            let back = try await node.http.post(
                administration + "/groups/add-user", ["context": .string(group), "itemName": .string(user)])
            #expect(back.status == 200)
            #expect(try await node.http.get(members).texts("name") == [user])
            #expect(try await node.http.delete(administration + "/groups?name=\(group)").status == 200)
            #expect(try await node.http.get(members).status == 404)
        }

        @Test func `users are found by filter and by what they may`() async throws {
            let node = try node
            let stem = unique("u")
            for suffix in ["a", "b"] { try await node.makeUser(stem + suffix) }
            let key = try await makeProject()
            try await node.grant(stem + "b", "PROJECT_READ", project: key)
            let list = "/rest/api/1.0/users?filter=\(stem.uppercased())"
            #expect(try await node.http.get(list).texts("name") == [stem + "a", stem + "b"])
            let readers = list + "&permission.1=PROJECT_READ&permission.1.projectKey=\(key)"
            #expect(try await node.http.get(readers).texts("name") == [stem + "b"])
            #expect(try await node.http.get(list + "&permission=NOPE").status == 400)
        }

        @Test func `administration is not for ordinary users, and lists not for nobody`() async throws {
            let node = try node
            let user = unique("u")
            try await node.makeUser(user)
            let client = node.anonymous.basic(user, "user-Passw0rd")
            for target in ["/users", "/groups", "/permissions/users", "/groups/more-members?context=x"] {
                #expect(try await client.get(administration + target).status == 401, "\(target)")
            }
            #expect(try await client.send("POST", administration + "/groups?name=\(user)").status == 401)
            #expect(try await client.get("/rest/api/1.0/users").status == 200)
            #expect(try await node.anonymous.get("/rest/api/1.0/users").status == 401)
            #expect(try await node.anonymous.get("/rest/api/1.0/users/admin").status == 401)
        }

        @Test(arguments: [
            "", "a%2Fb", "a%5Cb", "a%3Ab", "a%0Ab", "a%00b", String(repeating: "u", count: 5000),
        ])
        func `a hostile user name is refused with a sentence`(name: String) async throws {
            let answer = try await node.http.send(
                "POST",
                administration
                    + "/users?name=\(name)&password=x1-Password&displayName=x&emailAddress=x%40x.org")
            #expect(answer.status == 400)
            #expect(answer.error?["message"]?.stringValue?.isEmpty == false)
        }
    }
}
