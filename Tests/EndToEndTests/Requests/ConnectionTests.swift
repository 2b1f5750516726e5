import Foundation
import NodeTestKit
import Testing

/// Several requests on one connection: one after the other, and before the answers have come.
extension GitHTTPSuite {
    @Suite struct Connections {
        @Test func `a push takes one connection for all of its requests`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            try await place.git.commit(in: "work", file: "more", text: "more\n")
            var traced = place.git
            traced.environment["GIT_CURL_VERBOSE"] = "1"
            // A body above the buffer's size is sent in chunks, and the credentials are tried before.
            try traced.directory.write(FastImport.noise(bytes: 2_000_000), to: "work/noise.bin")
            try await traced.succeed("add", "noise.bin", in: "work")
            try await traced.succeed("commit", "--quiet", "--message", "noise", in: "work")
            let push = try await traced.run(
                "-c", "http.postBuffer=65536", "push", place.remote, "main", in: "work")
            #expect(push.succeeded, "\(push.errors)")
            let lines = push.errors.split(separator: "\n")
            #expect(lines.count { $0.contains("Connected to ") } == 1, "\(push.errors)")
            #expect(lines.count { $0.contains("Re-using existing connection") } >= 2)
            #expect(lines.count { $0.contains("=> Send header: POST ") } == 2)
        }

        @Test func `requests that are sent at once are answered in their order`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let (node, head) = (place.node, try await place.head())
            let authorization = node.http.authorization ?? ""
            func request(_ method: String, _ target: String, type: String? = nil, body: Data = Data()) -> Data
            {
                var head = "\(method) \(target) HTTP/1.1\r\nHost: x\r\nGit-Protocol: version=2\r\n"
                head += "Authorization: \(authorization)\r\nContent-Length: \(body.count)\r\n"
                if let type { head += "Content-Type: \(type)\r\n" }
                return Data((head + "\r\n").utf8) + body
            }
            let listing = request(
                "POST", place.target("git-upload-pack"), type: "application/x-git-upload-pack-request",
                body: GitHTTPWire.lsRefs)
            let connection = try await SocketConnection.connect(port: node.port)
            try await connection.send(
                request("GET", place.target("info/refs?service=git-upload-pack")) + listing
                    + request("HEAD", "/nothing/here") + request("DELETE", place.target("info/refs"))
                    + listing + request("GET", "/status")
            )
            let text = String(
                decoding: try await connection.receive(until: #"{"state":"RUNNING"}"#), as: UTF8.self)
            let statuses = text.components(separatedBy: "HTTP/1.1 ").dropFirst().map { $0.prefix(3) }
            #expect(statuses == ["200", "200", "404", "405", "200", "200"], "\(text)")
            #expect(text.components(separatedBy: "\(head) refs/heads/main").count == 3, "\(text)")
            connection.close()
        }

        @Test func `an error after HEAD has no body that the next answer would follow`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let targets = [
                place.target("info/refs"), "/nothing", "/rest/api/latest/projects/NONE", "/metrics",
            ]
            for target in targets {
                let connection = try await SocketConnection.connect(port: place.node.port)
                try await connection.send("HEAD \(target) HTTP/1.1\r\nHost: x\r\n\r\n")
                let head = String(decoding: try await connection.receive(until: "\r\n\r\n"), as: UTF8.self)
                #expect(head.hasPrefix("HTTP/1.1 4"), "\(head)")
                #expect(head.hasSuffix("\r\n\r\n"), "\(head)")
                try await connection.send("GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                let next = try HTTPAnswer(parsing: try await connection.receiveAll())
                #expect(next.status == 200, "\(target)")
                connection.close()
            }
        }

        @Test func `a client that leaves in the middle of a pipeline stops what it had asked for`()
            async throws
        {
            let place = try await GitHTTPSuite.makePushedPlace()
            let command = "\(GitHTTPWire.zero) \(try await place.head()) refs/heads/half\0 report-status"
            let connection = try await SocketConnection.connect(port: place.node.port)
            try await connection.send(
                "GET /status HTTP/1.1\r\nHost: x\r\n\r\n"
                    + GitHTTPWire.chunkedHead(
                        place.node, place.target("git-receive-pack"), service: "git-receive-pack", version: 0)
            )
            try await connection.send(GitHTTPWire.chunk(Data((GitHTTPWire.packet(command) + "0000").utf8)))
            try await waitUntil("git to read the pack") { !place.gitProcesses.isEmpty }
            connection.reset()
            try await place.expectNoGit()
            #expect(try await !place.git.succeed("ls-remote", place.remote).contains("refs/heads/half"))
        }
    }
}
