import Foundation
import NodeTestKit
import Testing

/// Clients that go away, disks that fill, nodes that stop: no process is left, nothing is half done.
extension GitHTTPSuite {
    @Suite(.serialized) struct Lifetime {
        private func addRandomFile(_ git: GitClient, megabytes: Int) async throws {
            let path = git.directory.path("work/random.bin")
            let made = try await ChildProcess.run(
                ["sh", "-c", "head -c \(megabytes)000000 /dev/urandom > \"$1\"", "sh", path],
                environment: ["PATH": "/usr/bin:/bin"])
            #expect(made.succeeded)
            try await git.succeed("add", "random.bin", in: "work")
            try await git.succeed("-c", "core.compression=0", "commit", "--quiet", "-m", "random", in: "work")
        }

        @Test(arguments: [false, true])
        func `a client that leaves in the middle of a clone leaves no git process`(byReset: Bool) async throws
        {
            let place = try await GitHTTPSuite.makePushedPlace()
            let (node, git) = (place.node, place.git)
            try await addRandomFile(git, megabytes: 40)
            let remote = place.remote
            try await git.succeed("push", "--quiet", remote, "main", in: "work")
            let head = try await git.succeed("rev-parse", "HEAD", in: "work")
            let connection = try await SocketConnection.connect(port: node.port)
            let body =
                GitHTTPWire.packet("command=fetch") + "0001" + GitHTTPWire.packet("ofs-delta")
                + GitHTTPWire.packet("want \(head)\n") + GitHTTPWire.packet("done\n") + "0000"
            try await connection.send(
                GitHTTPWire.chunkedHead(node, place.target("git-upload-pack"), service: "git-upload-pack"))
            try await connection.send(GitHTTPWire.chunk(Data(body.utf8)) + Data("0\r\n\r\n".utf8))
            // Read the beginning and no more: the pack is larger than all buffers, so git must be waiting.
            _ = try await connection.receive(until: "packfile")
            #expect(!place.gitProcesses.isEmpty)
            if byReset { connection.reset() } else { connection.close() }
            try await place.expectNoGit()
            #expect(try await git.succeed("ls-remote", remote).contains(head))
        }

        @Test(arguments: [false, true])
        func `a client that leaves in the middle of a push leaves no git process and no ref`(
            byReset: Bool
        ) async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let (node, git) = (place.node, place.git)
            let head = try await git.succeed("rev-parse", "HEAD", in: "work")
            let connection = try await SocketConnection.connect(port: node.port)
            let command =
                "\(GitHTTPWire.zero) \(head) refs/heads/half\0 report-status side-band-64k agent=test"
            let begin =
                Data((GitHTTPWire.packet(command) + "0000PACK").utf8) + Data([0, 0, 0, 2, 0, 0, 1, 0])
            try await connection.send(
                GitHTTPWire.chunkedHead(
                    node, place.target("git-receive-pack"), service: "git-receive-pack", version: 0))
            try await connection.send(GitHTTPWire.chunk(begin))
            try await waitUntil("git to read the pack") { !place.gitProcesses.isEmpty }
            if byReset { connection.reset() } else { connection.close() }
            try await place.expectNoGit()
            let remote = place.remote
            #expect(try await !git.succeed("ls-remote", remote).contains("refs/heads/half"))
            try await git.succeed("push", "--quiet", remote, "main:half", in: "work")
        }

        @Test func `a git client that is killed while it pushes leaves no git process`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let git = place.git
            try await addRandomFile(git, megabytes: 40)
            let client = try await ChildProcess.start(
                [
                    "git", "-c", "http.postBuffer=65536", "-C", git.directory.path("work"), "push",
                    place.remote, "main:killed",
                ], environment: git.fullEnvironment)
            try await waitUntil("git to receive") {
                place.gitProcesses.contains { $0.contains("receive-pack") }
            }
            client.killGroup()
            _ = try await client.waitForExit()
            try await place.expectNoGit()
            let fsck = try await git.run("ls-remote", place.remote)
            #expect(fsck.succeeded)
        }

        @Test func `a large push and its clone pass through the node without staying in its memory`()
            async throws
        {
            let place = try await GitHTTPSuite.makePushedPlace(on: RunningNode.start())
            let git = place.git
            try await git.succeed("clone", "--quiet", "--bare", place.remote, "small.git")
            let before = try place.node.peakKilobytes
            try await addRandomFile(git, megabytes: 150)
            try await git.succeed("push", "--quiet", place.remote, "main", in: "work")
            try await git.succeed("clone", "--quiet", "--bare", place.remote, "large.git")
            #expect(try await git.refs(in: "large.git") == git.refs(in: "work"))
            #expect(try place.node.peakKilobytes - before < 75_000)
            try await place.node.stop()
        }

        @Test func `a push larger than the limit is refused with a sentence`() async throws {
            let own = try await RunningNode.start(properties: ["receive.max-size": "1000000"])
            let place = try await GitHTTPSuite.makePushedPlace(on: own)
            let git = place.git
            try await addRandomFile(git, megabytes: 5)
            let push = try await git.run("push", place.remote, "main", in: "work")
            #expect(!push.succeeded)
            #expect(push.errors.contains("maximum allowed size"), "\(push.errors)")
            try await place.expectNoGit()
        }

        @Test func `a busy server says so in a sentence that git shows`() async throws {
            let own = try await RunningNode.start(properties: [
                "throttle.resource.scm-hosting.fixed.limit": "1", "throttle.resource.scm-hosting.queue": "1",
                "throttle.resource.scm-hosting.timeout": "1",
            ])
            let place = try await GitHTTPSuite.makePushedPlace(on: own)
            let git = place.git
            let remote = place.remote
            try await git.succeed("clone", "--quiet", "--branch=main", remote, "copy")
            try await git.commit(in: "copy", file: "b", text: "b\n")
            let head = try await git.succeed("rev-parse", "HEAD", in: "work")
            // A push that does not go on keeps the only ticket.
            let connection = try await SocketConnection.connect(port: place.node.port)
            let command =
                "\(GitHTTPWire.zero) \(head) refs/heads/slow\0 report-status side-band-64k agent=test"
            try await connection.send(
                GitHTTPWire.chunkedHead(
                    place.node, place.target("git-receive-pack"), service: "git-receive-pack", version: 0))
            try await connection.send(GitHTTPWire.chunk(Data((GitHTTPWire.packet(command) + "0000").utf8)))
            try await waitUntil("git to read the pack") { !place.gitProcesses.isEmpty }

            // Listing refs needs no ticket.
            #expect(try await git.succeed("ls-remote", remote).contains(head))
            for (arguments, folder) in [
                (["clone", remote, "late"], ""), (["-c", "protocol.version=0", "ls-remote", remote], ""),
                (["push", remote, "HEAD:refs/heads/late"], "copy"),
            ] {
                let outcome = try await git.run(arguments: arguments, in: folder)
                #expect(!outcome.succeeded)
                #expect(outcome.errors.contains("The server is busy."), "\(arguments): \(outcome.errors)")
            }
            connection.close()
            try await place.expectNoGit()
            try await git.succeed("push", "--quiet", remote, "HEAD:refs/heads/late", in: "copy")
        }

        @Test func `a node that is asked to stop lets a push come to its end`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace(on: RunningNode.start())
            let (node, git) = (place.node, place.git)
            let head = try await git.commit(in: "work", file: "last", text: "last\n")
            let pack = try await git.run(
                "pack-objects", "--stdout", "--revs", "-q", in: "work", input: Data("HEAD\n".utf8))
            let command =
                "\(GitHTTPWire.zero) \(head) refs/heads/last\0 report-status side-band-64k agent=test"
            let connection = try await SocketConnection.connect(port: node.port)
            try await connection.send(
                GitHTTPWire.chunkedHead(
                    node, place.target("git-receive-pack"), service: "git-receive-pack", version: 0))
            try await connection.send(GitHTTPWire.chunk(Data((GitHTTPWire.packet(command) + "0000").utf8)))
            try await waitUntil("git to read the pack") { !place.gitProcesses.isEmpty }
            node.signal(SIGTERM)
            try await connection.send(GitHTTPWire.chunk(pack.outputBytes) + Data("0\r\n\r\n".utf8))
            let answer = String(decoding: try await connection.receiveAll(), as: UTF8.self)
            #expect(answer.contains("ok refs/heads/last"), "\(answer)")
            #expect(try await node.waitForExit().status == 0)
            try await node.start()
            #expect(
                try await git.succeed("ls-remote", place.remote).contains("\(head)\trefs/heads/last")
            )
        }
    }
}
