import Foundation
import NodeTestKit
import Testing

@Suite struct StopTests {
    @Test(arguments: [SIGTERM, SIGINT])
    func `a signal stops the node, which leaves nothing behind`(signal: Int32) async throws {
        let node = try await RunningNode.start()
        node.signal(signal)
        let outcome = try await node.waitForExit()
        #expect(outcome.status == 0)
        let left = try FileManager.default.contentsOfDirectory(atPath: "\(node.home)/run")
        #expect(Set(left).isSubset(of: ["lock", "hooks"]))
    }

    @Test func `a clone that runs when the node is stopped is served to its end`() async throws {
        let node = try await RunningNode.start()
        let git = try GitClient()
        try await node.makeRepository("PRJ", "big", isPublic: true)
        try await git.makeRepository("one")
        let noise = try FastImport.noise(bytes: 24_000_000)
        try git.directory.write(noise, to: "one/noise.bin")
        try await git.succeed("add", "noise.bin", in: "one")
        try await git.succeed("commit", "--quiet", "--message", "noise", in: "one")
        try await git.succeed("push", "--quiet", node.remote("PRJ", "big"), "main", in: "one")
        let tip = try await git.succeed("rev-parse", "HEAD", in: "one")

        let port = node.port
        let connection = try await SocketConnection.connect(port: port)
        try await connection.send(Self.cloneRequest(of: tip, port: port))
        var answer = try await connection.receive()
        node.signal(SIGTERM)
        // The door is closed to others, and what runs goes on.
        try await waitUntil("a closed door") { (try? await SocketConnection.connect(port: port)) == nil }
        answer.append(try await connection.receiveAll())
        #expect(answer.count > noise.count)
        #expect(answer.suffix(16).range(of: Data("0000".utf8)) != nil)
        #expect(try await node.waitForExit().status == 0)
    }

    @Test func `what does not end is cut off when the time to drain is over`() async throws {
        let node = try await RunningNode.start(properties: ["server.shutdown-timeout": "1"])
        let connection = try await SocketConnection.connect(port: node.port)
        try await connection.send(
            "POST /rest/api/latest/projects HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        try await waitUntil("the request being read") {
            try await node.anonymous.get("/status").status == 200
        }
        node.signal(SIGTERM)
        #expect(try await node.waitForExit(deadline: .seconds(20)).status == 0)
        connection.close()
    }

    private static func cloneRequest(of tip: String, port: Int) -> String {
        func packet(_ text: String) -> String {
            let size = String(text.utf8.count + 4, radix: 16)
            return String(repeating: "0", count: 4 - size.count) + size + text
        }
        let body =
            packet("command=fetch") + packet("object-format=sha1") + "0001" + packet("no-progress")
            + packet("want \(tip)\n") + packet("done\n") + "0000"
        return "POST /scm/prj/big.git/git-upload-pack HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n"
            + "Git-Protocol: version=2\r\nContent-Type: application/x-git-upload-pack-request\r\n"
            + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
    }
}
