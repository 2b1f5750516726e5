import NodeTestKit
import Portable
import Testing

extension RESTSuite {
    @Suite struct ClusterTests {
        @Test func `a node on a file is a cluster of one, with where it serves`() async throws {
            let node = try node
            try await waitUntil("the node has told its port") {
                try await node.http.get("/rest/api/latest/admin/cluster").json()["localNode"]?["address"]?[
                    "port"]?
                    .integerValue != nil
            }
            let cluster = try await node.http.get("/rest/api/1.0/admin/cluster").json()
            let local = try #require(cluster["localNode"])
            let properties = try await node.anonymous.get("/rest/api/1.0/application-properties").json()
            #expect(cluster["running"] == true)
            #expect(cluster["nodes"] == .list([local]))
            #expect(local["local"] == true && local["name"]?.stringValue?.isEmpty == false)
            #expect(local["buildVersion"] == properties["version"])
            #expect(local["address"]?["hostName"]?.stringValue?.isEmpty == false)
            #expect(local["address"]?["port"]?.integerValue == Int64(node.port))
        }

        @Test func `nodes and locks are not for everybody`() async throws {
            let node = try node
            let user = unique("u")
            try await node.makeUser(user)
            for path in ["cluster", "locks"] {
                let address = "/rest/api/latest/admin/\(path)"
                #expect(try await node.anonymous.get(address).status == 401)
                #expect(try await node.anonymous.basic(user, "user-Passw0rd").get(address).status == 401)
            }
            let address = "/rest/api/latest/admin/locks?namespace=p&name=named/l"
            #expect(try await node.anonymous.send("DELETE", address).status == 401)
        }

        @Test func `a lock that nobody holds cannot be broken`() async throws {
            let node = try node
            let answer = try await node.http.send(
                "DELETE", "/rest/api/latest/admin/locks?namespace=p&name=named/l")
            #expect(answer.status == 200)
            #expect(try answer.json() == ["broken": false])
            let nameless = try await node.http.send("DELETE", "/rest/api/latest/admin/locks?namespace=p")
            #expect(nameless.status == 400 && nameless.error?["context"] == "name")
            let list = try await node.http.get("/rest/api/latest/admin/locks").json()
            #expect(list["isLastPage"] == true)
        }

        @Test func `the command line shows the locks, and refuses to break none`() async throws {
            let node = try node
            let list = try await node.perigee("admin", "locks", "--home", node.home)
            #expect(list.succeeded && list.output.hasPrefix("LOCK"))
            let json = try await node.perigee("admin", "locks", "--json", "--home", node.home)
            #expect(json.succeeded && json.output.hasPrefix("["))
            let broken = try await node.perigee("admin", "locks", "--break", "p:named/l", "--home", node.home)
            #expect(!broken.succeeded && broken.errors.contains("p:named/l"))
            let wrong = try await node.perigee("admin", "locks", "--break", "l", "--home", node.home)
            #expect(!wrong.succeeded && wrong.errors.contains("NAMESPACE:NAME"))
        }
    }
}
