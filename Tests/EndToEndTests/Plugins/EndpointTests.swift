import Foundation
import NodeTestKit
import Portable
import Synchronization
import Testing

/// What a plugin answers itself, over HTTP.
@Suite struct EndpointTests {
    private static let permissions = """
        {"routes": ["GET /hello/{name}", "POST /keep", "POST /small", "GET /fail", "GET /slow",
                    "GET /{a}/{b}"],
         "kv": "1MiB"}
        """
    private static let main = """
        perigee.routes.get("/hello/{name}", { permission = "ANYBODY" }, function(request)
          return { json = {
            name = request.parameters.name, query = request.query, user = request.user and request.user.name,
            secret = request:header("Authorization"), agent = request:header("user-agent"),
          } }
        end)
        perigee.routes.get("/{a}/{b}", { permission = "LICENSED_USER" }, function(request)
          return { text = request.parameters.a .. " <b>" .. request.parameters.b .. "</b>" }
        end)
        perigee.routes.post("/keep", { permission = "ADMIN" }, function(request)
          perigee.kv.put("kept", request.body)
          return { status = 201 }
        end)
        perigee.routes.post("/small", { permission = "ANYBODY", max_body = "16B" }, function(request)
          return { json = request.body }
        end)
        perigee.routes.get("/fail", { permission = "ANYBODY" }, function() error("a secret reason") end)
        perigee.routes.get("/slow", { permission = "ANYBODY", timeout = "100ms" }, function()
          while true do perigee.kv.get("nothing") end
        end)
        """

    private func target(_ path: String) -> String { "/plugins/a.x\(path)" }

    /// The node serves before its plugins have started.
    private func waitUntilServed(_ client: HTTPClient, _ place: String) async throws {
        try await waitUntil("the plugin to serve") {
            let status = try await client.get(place).status
            #expect([200, 503].contains(status))
            return status == 200
        }
    }

    private func post(_ client: HTTPClient, _ path: String, _ body: String) async throws -> HTTPAnswer {
        try await client.send(
            "POST", target(path), headers: ["Content-Type": "application/json"], body: Data(body.utf8))
    }

    @Test func `a plugin answers what it has declared, within limits, and shows nothing else`() async throws {
        let node = try RunningNode.prepare()
        try node.installPlugin("a.x", permissions: Self.permissions, main: Self.main)
        try await node.start()
        try await waitUntilServed(node.anonymous, target("/hello/x"))
        let (anonymous, admin) = (node.anonymous, node.http)

        let hello = try await admin.get(
            target("/hello/J%C3%BCrgen%20X?a=1&b=%26"), headers: ["User-Agent": "t"])
        #expect(hello.status == 200)
        #expect(
            try hello.json() == [
                "name": "Jürgen X", "query": ["a": "1", "b": "&"], "user": "admin", "agent": "t",
            ])
        #expect(hello.header("X-AREQUESTID") != nil && hello.header("X-Content-Type-Options") == "nosniff")
        #expect(try await anonymous.get(target("/hello/x")).json()["user"] == nil)
        let head = try await anonymous.send("HEAD", target("/hello/x"))
        #expect(head.status == 200 && head.text.isEmpty)

        // A plugin cannot make a page of it.
        let text = try await admin.get(target("/a/b"))
        #expect(text.text == "a <b>b</b>" && text.header("Content-Type") == "text/plain;charset=UTF-8")
        #expect(try await anonymous.get(target("/a/b")).status == 401)

        #expect(try await anonymous.send("DELETE", target("/keep")).status == 405)
        #expect(try await anonymous.send("PATCH", target("/keep")).status == 405)
        for path in ["", "/", "/keep/", "/nothing", "/hello", "/hello/a/b", "/../a.x/fail", "/hello%2Fx"] {
            #expect(try await admin.get(target(path)).status != 200, "\(path)")
        }
        #expect(try await admin.get("/plugins/a.y/fail").status == 404)
        #expect(try await admin.get(target("/hello/%zz")).status == 400)

        let failed = try await anonymous.get(target("/fail"))
        #expect(failed.status == 500 && !failed.text.contains("secret reason"))
        #expect(node.log.contains("a secret reason"))
        #expect(try await anonymous.get(target("/slow")).status == 504)
        try await node.stop()
    }

    @Test func `no request fails while the plugin is reloaded again and again`() async throws {
        let node = try RunningNode.prepare()
        try node.installPlugin("a.x", permissions: Self.permissions, main: Self.main)
        try await node.start()
        let (anonymous, place) = (node.anonymous, target("/hello/x"))
        try await waitUntilServed(anonymous, place)
        let isOver = Mutex(false)
        let isOverNow = { @Sendable in isOver.withLock { $0 } }
        let statuses = try await withThrowingTaskGroup(of: [Int].self) { group in
            for _ in 0..<3 {
                group.addTask {
                    var statuses: [Int] = []
                    while !isOverNow() { statuses.append(try await anonymous.get(place).status) }
                    return statuses
                }
            }
            for _ in 0..<8 {
                #expect(try await node.http.put("/rest/plugins/latest/a.x/reload").status == 200)
            }
            isOver.withLock { $0 = true }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(!statuses.isEmpty)
        #expect(Set(statuses) == [200])
        try await node.stop()
    }

    @Test func `bodies are JSON of a limited size, and are read only for those who may ask`() async throws {
        let node = try RunningNode.prepare()
        try node.installPlugin("a.x", permissions: Self.permissions, main: Self.main)
        try await node.start()
        try await waitUntilServed(node.anonymous, target("/hello/x"))
        let (anonymous, admin) = (node.anonymous, node.http)
        #expect(try await post(admin, "/keep", #"{"a": [1, 2.5, "x"]}"#).status == 201)
        let kept = try await admin.get("/rest/plugins/latest/a.x/kv?prefix=kept").json()
        #expect(kept["values"]?[0]?["value"] == ["a": [1, 2.5, "x"]])
        #expect(try await post(anonymous, "/keep", "{}").status == 401)
        #expect(try await post(admin, "/keep", "{").status == 400)
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        #expect(try await post(admin, "/keep", deep).status == 400)
        #expect(
            try await post(admin, "/keep", "\"" + String(repeating: "x", count: 300_000) + "\"").status == 413
        )
        #expect(try await post(anonymous, "/small", #"{"a":1}"#).json() == ["a": 1])
        #expect(try await post(anonymous, "/small", #"{"a":1234567890123}"#).status == 413)
        let plain = try await anonymous.send(
            "POST", target("/small"), headers: ["Content-Type": "text/plain"], body: Data("x".utf8))
        #expect(plain.status == 415)

        // Taken away and back.
        #expect(try await admin.put("/rest/plugins/latest/a.x/disable").status == 200)
        #expect(try await anonymous.get(target("/hello/x")).status == 404)
        #expect(try await admin.put("/rest/plugins/latest/a.x/enable").status == 200)
        #expect(try await anonymous.get(target("/hello/x")).status == 200)
        try await node.stop()
    }
}
