import Foundation
import NodeTestKit
import Portable
import Testing

/// `/status` of a real node, in the states that it reaches by itself.
@Suite struct StatusTests {
    @Test func `a node that drains says STOPPING, refuses what is new, and ends what runs`() async throws {
        let node = try await RunningNode.start()
        let slow = try await SlowRequest.begin(on: node)
        node.signal(SIGTERM)
        let answer = try await waitFor("STOPPING", detail: { node.standardError }) { () -> HTTPAnswer? in
            let answer = try await node.anonymous.get("/status")
            return answer.status == 200 ? nil : answer
        }
        #expect(answer.status == 503)
        #expect(try answer.json() == ["state": "STOPPING"])
        let refused = try await node.http.get("/rest/api/latest/projects")
        #expect(refused.status == 503)
        #expect(refused.text.contains("the node is stopping"), "\(refused.text)")
        let listing = try await GitClient().run("ls-remote", node.remote("PRJ", "app"))
        #expect(listing.errors.contains("remote: The server cannot do this now"), "\(listing.errors)")
        #expect(!FileManager.default.fileExists(atPath: "\(node.home)/run/node.json"))
        #expect(try await slow.finish().status == 201)
        #expect(try await node.waitForExit().status == 0)
    }

    @Test func `while the database takes no changes the node says ERROR, and RUNNING once it does again`()
        async throws
    {
        let node = try await RunningNode.start(properties: ["server.database-check-interval": "1"])
        let lock = try DatabaseLock.take(home: node.home)
        let answer = try await waitFor("ERROR", detail: { node.log }) { () -> HTTPAnswer? in
            let answer = try await node.anonymous.get("/status")
            return answer.status == 200 ? nil : answer
        }
        #expect(answer.status == 500)
        #expect(try answer.json() == ["state": "ERROR"])
        #expect(node.log.contains("the database does not answer"))
        // What needs no change of the database goes on.
        #expect(try await node.http.get("/rest/api/latest/projects").status == 200)
        lock.release()
        try await waitUntil("RUNNING", detail: { node.log }) {
            try await node.anonymous.get("/status").text == #"{"state":"RUNNING"}"#
        }
        #expect(node.log.contains("the database answers again"))
        try await node.makeRepository("PRJ", "app")
        #expect(try await node.stop().status == 0)
    }

    @Test func `a node with a database that does not answer can be stopped`() async throws {
        let node = try await RunningNode.start(properties: ["server.database-check-interval": "1"])
        let lock = try DatabaseLock.take(home: node.home)
        try await waitUntil("ERROR", detail: { node.log }) {
            try await node.anonymous.get("/status").status == 500
        }
        #expect(try await node.stop().status == 0)
        lock.release()
        try await node.start()
        try await node.stop()
    }

    @Test func `a node that is asked to stop while it starts ends without having served`() async throws {
        let port = try SocketConnection.freePort()
        let node = try RunningNode.prepare(properties: ["server.port": String(port)])
        for number in 0..<6 {
            try node.installPlugin("com.example.loop\(number)", main: "while true do end\n")
        }
        let process = try await node.launch()
        let client = HTTPClient(port: port)
        let first = try await waitFor("an answer", detail: { process.errors }) {
            try? await client.get("/status")
        }
        #expect(try first.json() == ["state": "STARTING"])
        #expect(first.status == 503)
        node.signal(SIGTERM)
        let outcome = try await node.waitForExit()
        #expect(outcome.status == 0)
        #expect(!outcome.output.contains("serves"), "\(outcome.output)")
        #expect(!FileManager.default.fileExists(atPath: "\(node.home)/run/node.json"))
        try await node.start()
        try await node.stop()
    }
}

/// A request of which the node has read the head and waits for the body.
struct SlowRequest {
    private let connection: SocketConnection
    private let body: String

    /// Returns once the node has let the request through its door: then it asks for the body.
    static func begin(on node: RunningNode) async throws -> SlowRequest {
        let connection = try await SocketConnection.connect(port: node.port)
        let body = #"{"key":"SLOW","name":"Slow"}"#
        try await connection.send(
            "POST /rest/api/latest/projects HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                + "Authorization: \(node.http.authorization ?? "")\r\nExpect: 100-continue\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n")
        let said = String(decoding: try await connection.receive(until: "\r\n\r\n"), as: UTF8.self)
        #expect(said.hasPrefix("HTTP/1.1 100 "), "\(said)")
        return SlowRequest(connection: connection, body: body)
    }

    func finish() async throws -> HTTPAnswer {
        try await connection.send(body)
        return try HTTPAnswer(parsing: try await connection.receiveAll())
    }
}
