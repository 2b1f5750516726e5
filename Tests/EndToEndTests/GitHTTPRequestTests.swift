import Foundation
import NodeTestKit
import Testing

/// The HTTP that git and curl speak, at the level of bytes.
extension GitHTTPSuite {
    @Suite struct Requests {
        @Test func `the advertisement of version 2 names no refs and may not be cached`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let node = place.node
            let answer = try await node.http.get(
                place.target("info/refs?service=git-upload-pack"), headers: ["Git-Protocol": "version=2"])
            #expect(answer.status == 200)
            #expect(answer.header("Content-Type") == "application/x-git-upload-pack-advertisement")
            #expect(answer.header("Cache-Control")?.contains("no-cache") == true)
            #expect(answer.text.hasPrefix("000eversion 2\n"))
            #expect(answer.text.hasSuffix("0000"))
            #expect(answer.header("X-AREQUESTID")?.isEmpty == false)
            #expect(answer.header("X-AUSERNAME") == "admin")
        }

        @Test func `refs are listed by prefix`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let (node, head) = (place.node, try await place.head())
            let answer = try await node.http.send(
                "POST", place.target("git-upload-pack"), headers: GitHTTPWire.headers("git-upload-pack"),
                body: GitHTTPWire.lsRefs)
            #expect(answer.status == 200)
            #expect(answer.header("Content-Type") == "application/x-git-upload-pack-result")
            #expect(answer.text == GitHTTPWire.packet("\(head) refs/heads/main\n") + "0000")
        }

        @Test(arguments: ["gzip", "x-gzip", "GZIP"])
        func `a compressed body is understood`(encoding: String) async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let (node, head) = (place.node, try await place.head())
            let packed = try await ChildProcess.run(
                ["gzip", "--stdout"], environment: ["PATH": "/usr/bin:/bin"], input: GitHTTPWire.lsRefs)
            var headers = GitHTTPWire.headers("git-upload-pack")
            headers["Content-Encoding"] = encoding
            let answer = try await node.http.send(
                "POST", place.target("git-upload-pack"), headers: headers, body: packed.outputBytes)
            #expect(answer.status == 200)
            #expect(answer.text.contains(head))
        }

        @Test func `a body in the deflate encoding is understood`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let (node, head) = (place.node, try await place.head())
            let line = "0014command=ls-refs\n00010000"
            // A zlib stream with one stored block, and the Adler-32 sum of the text.
            var (low, high): (UInt32, UInt32) = (1, 0)
            for byte in line.utf8 {
                low = (low + UInt32(byte)) % 65_521
                high = (high + low) % 65_521
            }
            let size = UInt16(line.utf8.count)
            var body = Data([0x78, 0x01, 0x01])
            for number in [size, ~size] {
                body.append(contentsOf: [UInt8(number & 0xff), UInt8(number >> 8)])
            }
            body.append(contentsOf: line.utf8)
            for number in [high, low] { body.append(contentsOf: [UInt8(number >> 8), UInt8(number & 0xff)]) }
            var headers = GitHTTPWire.headers("git-upload-pack")
            headers["Content-Encoding"] = "deflate"
            let answer = try await node.http.send(
                "POST", place.target("git-upload-pack"), headers: headers, body: body)
            #expect(answer.status == 200)
            #expect(answer.text.contains(head), "\(answer.text)")
        }

        @Test func `a fetch with a long negotiation is compressed by git and answered`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let (git, remote) = (place.git, place.remote)
            try await git.succeed("clone", "--quiet", "--branch=main", remote, "one")
            try await git.succeed("clone", "--quiet", "--branch=main", remote, "two")
            for number in 1...60 { try await git.commit(in: "one", file: "f", text: "\(number)\n") }
            try await git.commit(in: "two", file: "g", text: "g\n")
            try await git.succeed("push", "--quiet", "origin", "main", in: "two")
            var traced = git
            traced.environment["GIT_CURL_VERBOSE"] = "1"
            let fetch = try await traced.run("fetch", "origin", in: "one")
            #expect(fetch.succeeded)
            #expect(fetch.errors.contains("Content-Encoding: gzip"))
        }

        @Test func `100 Continue is said once the request is accepted, and not to one that is refused`()
            async throws
        {
            let place = try await GitHTTPSuite.makePushedPlace()
            let (node, head) = (place.node, try await place.head())
            let body = GitHTTPWire.lsRefs
            for isAdmin in [true, false] {
                let connection = try await SocketConnection.connect(port: node.port)
                let credentials = Data("admin:\(isAdmin ? RunningNode.administratorPassword : "no")".utf8)
                try await connection.send(
                    "POST \(place.target("git-upload-pack")) HTTP/1.1\r\nHost: x\r\n"
                        + "Expect: 100-continue\r\nContent-Length: \(body.count)\r\n"
                        + "Authorization: Basic \(credentials.base64EncodedString())\r\nConnection: close\r\n"
                        + "Git-Protocol: version=2\r\n"
                        + "Content-Type: application/x-git-upload-pack-request\r\n\r\n"
                )
                let first = String(decoding: try await connection.receive(until: "\r\n\r\n"), as: UTF8.self)
                if isAdmin {
                    #expect(first == "HTTP/1.1 100 Continue\r\n\r\n")
                    try await connection.send(body)
                    let answer = try HTTPAnswer(parsing: try await connection.receiveAll())
                    #expect(answer.status == 200)
                    #expect(answer.text.contains(head))
                } else {
                    #expect(first.hasPrefix("HTTP/1.1 401 "), "\(first)")
                    #expect(first.lowercased().contains("connection: close"))
                }
                connection.close()
            }
        }

        @Test func `one connection serves request after request`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let (node, head) = (place.node, try await place.head())
            let connection = try await SocketConnection.connect(port: node.port)
            for _ in 1...3 {
                let chunked = GitHTTPWire.chunk(GitHTTPWire.lsRefs) + Data("0\r\n\r\n".utf8)
                try await connection.send(
                    GitHTTPWire.chunkedHead(node, place.target("git-upload-pack"), service: "git-upload-pack")
                )
                try await connection.send(chunked)
                let answer = String(
                    decoding: try await connection.receive(until: "refs/heads/main\n0000"), as: UTF8.self)
                #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
                #expect(answer.contains(head))
            }
            connection.close()
        }

        @Test func `the credential probe of a large push is answered without a body`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let node = place.node
            let answer = try await node.http.send(
                "POST", place.target("git-receive-pack"),
                headers: GitHTTPWire.headers("git-receive-pack", version: 0), body: Data("0000".utf8))
            #expect(answer.status == 200)
            #expect(answer.bytes.isEmpty)
        }
    }
}
