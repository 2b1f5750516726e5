import Foundation
import NodeTestKit
import Testing

/// Bad input: each has a clear answer, and the node serves on.
extension GitHTTPSuite {
    @Suite struct Hostile {
        @Test func `the dumb protocol is refused with a sentence that git shows`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            for path in [
                "info/refs", "HEAD", "objects/info/packs", "config", "info/refs?service=git%2Dupload-pack",
            ] {
                let answer = try await place.node.http.get(place.target("\(path)"))
                #expect(answer.status == 403, "\(path)")
                #expect(answer.text.hasPrefix("Perigee speaks only the smart HTTP protocol."))
                #expect(answer.header("Content-Type")?.hasPrefix("text/plain") == true)
            }
            var dumb = place.git
            dumb.environment["GIT_SMART_HTTP"] = "0"
            let clone = try await dumb.run("clone", place.remote, "dumb")
            #expect(
                clone.errors.contains("remote: Perigee speaks only the smart HTTP protocol."),
                "\(clone.errors)")
        }

        @Test func `hostile addresses name no repository`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()

            let key = place.key
            let long = String(repeating: "a", count: 5000)
            let addresses = [
                "\(key)/..%2fapp.git", "\(key)/%2e%2e", "\(key)/..", "../\(key)/app", "%2e%2e/app",
                "\(key)/app%00.git",
                "\(key)/app%5c..",
                "\(key)/app\\x", "\(key)/-app", "\(key)/%zz", "\(key)/app%0a", "\(key)/\(long)",
                "\(long)/app", "\(key)/.git",
                "\(key)/%ff",
            ]
            for address in addresses {
                let answer = try await place.node.http.get(
                    "/scm/\(address)/info/refs?service=git-upload-pack")
                #expect(
                    answer.status == 404 || answer.status == 400, "\(address.prefix(30)): \(answer.status)")
                #expect(!answer.text.contains(place.node.home))
                #expect(answer.text.utf8.count < 500)
            }
            let tooLong = try await place.node.http.get(
                "/scm/\(place.key)/\(String(repeating: "b", count: 9000))/info/refs")
            #expect(tooLong.status == 414)
            try await place.expectHealthy()
        }

        @Test func `another content type is refused`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            for type in ["text/plain", "application/x-git-receive-pack-request", "application/json", ""] {
                let answer = try await place.node.http.send(
                    "POST", place.target("git-upload-pack"),
                    headers: type.isEmpty ? [:] : ["Content-Type": type],
                    body: GitHTTPWire.lsRefs)
                #expect(answer.status == 415)
                #expect(answer.text.contains("application/x-git-upload-pack-request"))
            }
            try await place.expectHealthy()
        }

        @Test func `a gzip bomb ends with 413 and little memory`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace(on: RunningNode.start())
            let bomb = try await ChildProcess.run(
                ["sh", "-c", "head -c 300000000 /dev/zero | gzip -9 -c"],
                environment: ["PATH": "/usr/bin:/bin"])
            #expect(bomb.outputBytes.count > 200_000)
            var headers = GitHTTPWire.headers("git-upload-pack")
            headers["Content-Encoding"] = "gzip"
            let answer = try await place.node.http.send(
                "POST", place.target("git-upload-pack"), headers: headers, body: bomb.outputBytes)
            #expect(answer.status == 413)
            #expect(answer.text.contains("Send it uncompressed."))
            #expect(try place.node.peakKilobytes < 250_000)
            try await place.expectHealthy()
        }

        @Test func `broken and unknown compression are refused`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            var headers = GitHTTPWire.headers("git-upload-pack")
            headers["Content-Encoding"] = "gzip"
            let broken = try await place.node.http.send(
                "POST", place.target("git-upload-pack"), headers: headers, body: Data("no gzip".utf8))
            #expect(broken.status == 400)
            #expect(broken.text.contains("not valid compressed data"))
            headers["Content-Encoding"] = "br"
            let unknown = try await place.node.http.send(
                "POST", place.target("git-upload-pack"), headers: headers, body: Data("x".utf8))
            #expect(unknown.status == 415)
            try await place.expectHealthy()
        }

        @Test(arguments: ["git-upload-pack", "git-receive-pack"], [0, 2])
        func `garbage instead of packets gets a sentence`(service: String, version: Int) async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let bodies = ["zzzz", "0003", "fff9" + String(repeating: "x", count: 100), "0008abc", "ffff"]
            for body in bodies {
                let answer = try await place.node.http.send(
                    "POST", place.target("\(service)"),
                    headers: GitHTTPWire.headers(service, version: version),
                    body: Data(body.utf8))
                #expect(answer.status == 200 || answer.status == 400, "\(body.prefix(9)): \(answer.status)")
                #expect(
                    answer.text.contains("git could not") || answer.text.contains("ERR"),
                    "\(body): \(answer.text)")
                #expect(!answer.text.contains(place.node.home))
            }
            try await place.expectHealthy()
        }

        @Test func `a truncated pack is refused with git's own message and changes nothing`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let head = try await place.git.commit(in: "work", file: "new", text: "new\n")
            let pack = try await place.git.run(
                "pack-objects", "--stdout", "--revs", "-q", in: "work", input: Data("HEAD\n".utf8))
            let command =
                "\(GitHTTPWire.zero) \(head) refs/heads/cut\0 report-status side-band-64k agent=test"
            let body = Data((GitHTTPWire.packet(command) + "0000").utf8) + pack.outputBytes.dropLast(30)
            let answer = try await place.node.http.send(
                "POST", place.target("git-receive-pack"),
                headers: GitHTTPWire.headers("git-receive-pack", version: 0), body: body)
            #expect(answer.status == 200)
            #expect(answer.text.contains("early EOF") || answer.text.contains("unpack "), "\(answer.text)")
            #expect(!answer.text.contains("ok refs/heads/cut"))
            #expect(try await !place.git.succeed("ls-remote", place.remote).contains("refs/heads/cut"))
            try await place.expectHealthy()
        }

        @Test func `requests that are no HTTP get an answer and the connection's end`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()

            let cases: [(request: String, status: String)] = [
                ("GARBAGE\r\n\r\n", "400"), ("GET / HTTP/9.9\r\n\r\n", "505"),
                (
                    "GET /status HTTP/1.1\r\nHost: x\r\nBig: \(String(repeating: "x", count: 20_000))"
                        + "\r\n\r\n",
                    "431"
                ),
                (
                    "GET /status HTTP/1.1\r\nHost: x\r\n\(String(repeating: "A: b\r\n", count: 200))\r\n",
                    "431"
                ),
                ("GET /\(String(repeating: "u", count: 10_000)) HTTP/1.1\r\nHost: x\r\n\r\n", "414"),
                ("POST /status HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n", "417"),
                (
                    "POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    "400"
                ),
                (
                    "POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
                    "400"
                ),
            ]
            for (request, status) in cases {
                let connection = try await SocketConnection.connect(port: place.node.port)
                try await connection.send(request)
                let answer = String(decoding: try await connection.receiveAll(), as: UTF8.self)
                #expect(
                    answer.hasPrefix("HTTP/1.1 \(status) "), "\(request.prefix(60)): \(answer.prefix(100))")
                #expect(answer.lowercased().contains("x-arequestid: "))
                connection.close()
            }
            try await place.expectHealthy()
        }

        @Test func `refs that are options, or that only the server writes, are refused`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let head = try await place.git.succeed("rev-parse", "HEAD", in: "work")
            for ref in [
                "refs/heads/--upload-pack=x", "refs/heads/a..b", "refs/pull-requests/1/from", "HEAD",
                "refs/x",
            ] {
                let command = "\(GitHTTPWire.zero) \(head) \(ref)\0 report-status side-band-64k agent=test"
                let pack = try await place.git.run("pack-objects", "--stdout", "-q", in: "work")
                let answer = try await place.node.http.send(
                    "POST", place.target("git-receive-pack"),
                    headers: GitHTTPWire.headers("git-receive-pack", version: 0),
                    body: Data((GitHTTPWire.packet(command) + "0000").utf8) + pack.outputBytes)
                if ref != "refs/x" { #expect(!answer.text.contains("ok \(ref)"), "\(ref): \(answer.text)") }
            }
            let refs = try await place.git.succeed("ls-remote", place.remote)
            #expect(!refs.contains("pull-requests"))
            #expect(!refs.contains("--upload-pack"))
            try await place.expectHealthy()
        }
    }
}
