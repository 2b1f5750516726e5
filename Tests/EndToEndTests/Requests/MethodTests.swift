import Foundation
import NodeTestKit
import Testing

/// What a request to a known address gets whose method or type is not the address' own.
extension GitHTTPSuite {
    @Suite struct Methods {
        @Test(arguments: [
            (
                "info/refs?service=git-upload-pack", "GET",
                ["HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
            ),
            ("git-upload-pack", "POST", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"]),
            ("git-receive-pack", "POST", ["GET", "HEAD", "PUT", "DELETE"]),
            ("objects/info/packs", "GET", ["POST", "PUT"]), ("HEAD", "GET", ["POST"]),
        ])
        func `another method is 405 and says which one does`(
            path: String, allowed: String, wrong: [String]
        )
            async throws
        {
            let place = try await GitHTTPSuite.makePlace()
            for method in wrong {
                let answer = try await place.node.http.send(method, place.target(path), body: Data())
                #expect(answer.status == 405, "\(method)")
                #expect(answer.header("Allow") == allowed, "\(method)")
                let sentence = "\(method) is not for this address. Use \(allowed).\n"
                #expect(answer.text == (method == "HEAD" ? "" : sentence))
                #expect(answer.header("Content-Type")?.hasPrefix("text/plain") == true)
            }
        }

        @Test func `a method that HTTP does not know is 404 and not a crash`() async throws {
            let place = try await GitHTTPSuite.makePlace()
            for method in ["PROPFIND", "MKCOL", "LOCK"] {
                let answer = try await place.node.http.send(method, place.target("info/refs"), body: Data())
                #expect(answer.status == 404 || answer.status == 405, "\(method): \(answer.status)")
            }
            #expect(try await place.node.anonymous.get("/status").status == 200)
        }

        @Test(arguments: ["git-upload-pack", "git-receive-pack"])
        func `another content type is refused by each service, before anything is read`(
            service: String
        )
            async throws
        {
            let place = try await GitHTTPSuite.makePushedPlace()
            let types = [
                "", "text/plain", "application/json", "application/x-\(service)-result",
                "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
            ]
            for type in types {
                let answer = try await place.node.http.send(
                    "POST", place.target(service), headers: type.isEmpty ? [:] : ["Content-Type": type],
                    body: Data("0000".utf8))
                #expect(answer.status == 415, "\(type)")
                #expect(
                    answer.text
                        == "A request to \(service) has the content type application/x-\(service)-request. "
                        + "Use a git client.\n")
            }
            try await place.expectHealthy()
        }

        @Test func `a gzip bomb of a push ends with 413 and moves nothing`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let head = try await place.head()
            let command = GitHTTPWire.packet(
                "\(GitHTTPWire.zero) \(head) refs/heads/bomb\0 report-status side-band-64k")
            let bomb = try await ChildProcess.run(
                ["sh", "-c", "(cat; echo 0000; head -c 300000000 /dev/zero) | gzip -9 -c"],
                environment: ["PATH": "/usr/bin:/bin"], input: Data(command.utf8))
            var headers = GitHTTPWire.headers("git-receive-pack", version: 0)
            headers["Content-Encoding"] = "gzip"
            let answer = try await place.node.http.send(
                "POST", place.target("git-receive-pack"), headers: headers, body: bomb.outputBytes)
            #expect(answer.status == 413)
            #expect(answer.text.contains("Send it uncompressed."))
            #expect(try await !place.git.succeed("ls-remote", place.remote).contains("refs/heads/bomb"))
            try await place.expectHealthy()
        }

        @Test func `a pack with a byte that is wrong is refused, and changes nothing`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let head = try await place.git.commit(in: "work", file: "new", text: "new\n")
            let pack = try await place.git.run(
                "pack-objects", "--stdout", "--revs", "-q", in: "work", input: Data("HEAD\n".utf8))
            var bytes = [UInt8](pack.outputBytes)
            bytes[bytes.count / 2] ^= 0x55
            let command = "\(GitHTTPWire.zero) \(head) refs/heads/bent\0 report-status side-band-64k"
            let answer = try await place.node.http.send(
                "POST", place.target("git-receive-pack"),
                headers: GitHTTPWire.headers("git-receive-pack", version: 0),
                body: Data((GitHTTPWire.packet(command) + "0000").utf8) + Data(bytes))
            #expect(answer.status == 200)
            #expect(answer.text.contains("unpack "), "\(answer.text)")
            #expect(!answer.text.contains("ok refs/heads/bent"))
            #expect(!answer.text.contains(place.node.home))
            #expect(try await !place.git.succeed("ls-remote", place.remote).contains("refs/heads/bent"))
            try await place.expectHealthy()
        }
    }
}
