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
        try await waitUntil("a closed door") {
            try await node.http.get("/rest/api/latest/projects").status == 503
        }
        answer.append(try await connection.receiveAll())
        #expect(answer.count > noise.count)
        #expect(answer.suffix(16).range(of: Data("0000".utf8)) != nil)
        #expect(try await node.waitForExit().status == 0)
    }

    @Test func `what does not end is cut off when the time to drain is over`() async throws {
        let node = try await RunningNode.start(properties: ["server.shutdown-timeout": "1"])
        _ = try await SlowRequest.begin(on: node)
        node.signal(SIGTERM)
        #expect(try await node.waitForExit(deadline: .seconds(20)).status == 0)
    }

    @Test func `a client that never reads its clone is cut off when the time to drain is over`() async throws
    {
        let node = try await RunningNode.start(properties: ["server.shutdown-timeout": "1"])
        let place = try await GitHTTPSuite.makePlace(on: node, isPublic: true)
        try place.git.directory.write(FastImport.noise(bytes: 24_000_000), to: "work/noise.bin")
        try await place.git.succeed("add", "noise.bin", in: "work")
        try await place.git.succeed("commit", "--quiet", "--message", "noise", in: "work")
        try await place.git.succeed("push", "--quiet", place.remote, "main", in: "work")
        let connection = try await SocketConnection.connect(port: node.port)
        let request = Self.cloneRequest(of: try await place.head(), port: node.port)
            .replacingOccurrences(of: "/scm/prj/big.git/", with: place.target(""))
        try await connection.send(request)
        _ = try await connection.receive(until: "packfile")
        #expect(!place.gitProcesses.isEmpty)
        node.signal(SIGTERM)
        #expect(try await node.waitForExit(deadline: .seconds(20)).status == 0)
        try await place.expectNoGit()
        connection.close()
    }

    @Test func `a push that never ends is cut off when the time to drain is over, and moves nothing`()
        async throws
    {
        let node = try await RunningNode.start(properties: ["server.shutdown-timeout": "1"])
        let place = try await GitHTTPSuite.makePushedPlace(on: node)
        let command =
            "\(GitHTTPWire.zero) \(try await place.head()) refs/heads/half\0 report-status side-band-64k"
        let connection = try await SocketConnection.connect(port: node.port)
        try await connection.send(
            GitHTTPWire.chunkedHead(
                node, place.target("git-receive-pack"), service: "git-receive-pack", version: 0))
        try await connection.send(GitHTTPWire.chunk(Data((GitHTTPWire.packet(command) + "0000").utf8)))
        try await waitUntil("git to read the pack") { !place.gitProcesses.isEmpty }
        node.signal(SIGTERM)
        #expect(try await node.waitForExit(deadline: .seconds(20)).status == 0)
        try await place.expectNoGit()
        connection.close()
        try await node.start()
        #expect(try await !place.git.succeed("ls-remote", place.remote).contains("refs/heads/half"))
        try await node.stop()
        #expect(try await !JournalRows.states(home: node.home).contains("intended"))
    }

    @Test func `a git client whose push is under way when the node is stopped succeeds`() async throws {
        let node = try RunningNode.prepare(properties: DecisionTests.patience)
        try node.installPlugin(
            "com.example.slow", permissions: #"{"before_push": true}"#,
            main: """
                perigee.events.before_push(function(push)
                  perigee.log.info("judging " .. push.changes[1].refId)
                  local began = perigee.time.monotonic()
                  while perigee.time.monotonic() - began < 1500 do end
                end)
                """)
        try await node.start()
        let place = try await GitHTTPSuite.makePlace(on: node)
        let client = Task { try await place.git.run("push", place.remote, "main", in: "work") }
        try await waitUntil("the judge", detail: { node.log }) {
            node.log.contains("judging refs/heads/main")
        }
        node.signal(SIGTERM)
        let push = try await client.value
        #expect(push.succeeded, "\(push.errors)")
        #expect(try await node.waitForExit().status == 0)
        try await node.start()
        let head = try await place.head()
        #expect(try await place.git.succeed("ls-remote", place.remote).contains("\(head)\trefs/heads/main"))
        try await node.stop()
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
