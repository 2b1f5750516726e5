import Foundation
import NodeTestKit
import Testing

/// Clients that mean harm, or are broken: each meets its limit, and the others are served all the while.
extension SSHSuite {
    @Suite(.serialized) struct Hostile {
        private static let asyncssh = """
            import asyncio, asyncssh, sys, warnings
            port, key, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
            def connect():
                return asyncssh.connect(
                    "127.0.0.1", port, username="git", client_keys=[key], known_hosts=None)

            """

        private func attack(_ place: SSHPlace, _ script: String) async throws -> ProcessOutcome {
            try await ChildProcess.run(
                [
                    "/usr/bin/python3", "-W", "ignore", "-c", Self.asyncssh + script,
                    String(place.node.sshPort), place.client.keyFile, "/\(place.key)/app.git",
                ], environment: place.git.fullEnvironment)
        }

        private func expectHealthy(_ place: SSHPlace) async throws {
            #expect(try await place.git.succeed("ls-remote", place.remote).contains("refs/heads/main"))
            try await waitUntil("no git process", deadline: .seconds(60)) { place.gitProcesses.isEmpty }
        }

        @Test func `packets of ten bytes are refused, before the library would write for ever`() async throws
        {
            let place = try await SSHSuite.makePlace()
            let outcome = try await attack(
                place,
                """
                async def main():
                    async with connect() as c:
                        try:
                            p = await c.create_process(f"git-upload-pack '{path}'", max_pktsize=10)
                            print(await p.communicate())
                        except asyncssh.ChannelOpenError: print("refused")
                        try: await asyncio.wait_for(c.wait_closed(), 20)
                        except asyncssh.DisconnectError as e: print(e.reason)
                asyncio.run(main())
                """)
            #expect(outcome.output.contains("refused"), "\(outcome.errors)")
            try await expectHealthy(place)
        }

        @Test func `bytes beyond the window end the connection`() async throws {
            let place = try await SSHSuite.makePlace()
            try await place.pushRandomFile(megabytes: 20)
            // Git waits for a client that does not read, and so reads nothing either.
            let outcome = try await attack(
                place,
                """
                async def main():
                    async with connect() as c:
                        p = await c.create_process(f"git-upload-pack '{path}'", encoding=None)
                        head = (await p.stdout.read(200))[4:44].decode()
                        want = f"want {head} side-band-64k\\n"
                        p.stdin.write(f"{len(want) + 4:04x}{want}0000".encode() + b"0009done\\n")
                        p.channel.pause_reading()
                        await asyncio.sleep(1)
                        p.channel._send_window = 1 << 40
                        try:
                            for i in range(2000):
                                p.stdin.write(b"0000" * 7000)
                                await asyncio.sleep(0.001)
                            print("all of it was taken")
                        except BrokenPipeError: print("cut", i)
                asyncio.run(main())
                """)
            #expect(outcome.output.contains("cut"), "\(outcome.output) \(outcome.errors)")
            try await expectHealthy(place)
        }

        @Test func `a connection runs ten commands at a time, and no eleventh`() async throws {
            let place = try await SSHSuite.makePlace()
            let outcome = try await attack(
                place,
                """
                async def main():
                    async with connect() as c:
                        done, kept = 0, []
                        for i in range(12):
                            try:
                                kept.append(await c.create_process(f"git-upload-pack '{path}'"))
                                done += 1
                            except asyncssh.ChannelOpenError: pass
                        print("done", done)
                        for p in kept: p.stdin.write_eof()
                        for p in kept: await p.wait()
                        p = await c.create_process(f"git-upload-pack '{path}'")
                        p.stdin.write("0000")
                        print("then", (await p.wait()).exit_status)
                asyncio.run(main())
                """)
            #expect(outcome.output.contains("done 10"), "\(outcome.output) \(outcome.errors)")
            #expect(outcome.output.contains("then 0"))
            try await expectHealthy(place)
        }

        @Test func `a client that talks and talks without a command is sent away`() async throws {
            let place = try await SSHSuite.makePlace()
            let outcome = try await attack(
                place,
                """
                from asyncssh.constants import MSG_IGNORE
                from asyncssh.packet import String
                async def main():
                    async with connect() as c:
                        for i in range(100):
                            c.send_packet(MSG_IGNORE, String(b"x" * 30000))
                            await asyncio.sleep(0.01)
                        try: await asyncio.wait_for(c.wait_closed(), 20)
                        except asyncssh.DisconnectError as e: print(e.reason)
                        print("closed")
                asyncio.run(main())
                """)
            #expect(outcome.output.contains("closed") || outcome.errors.contains("too many bytes"))
            try await expectHealthy(place)
        }

        @Test func `what is no SSH is closed at once, and silence at the deadline`() async throws {
            let node = try await RunningNode.startWithSSH(["plugin.ssh.auth-timeout": "2"])
            let port = node.sshPort
            let http = try await SocketConnection.connect(port: port)
            try await http.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            try await http.expectEnd()
            let noise = try await SocketConnection.connect(port: port)
            // The server may close before all of it is sent.
            try? await noise.send(Data("SSH-2.0-x\r\n".utf8) + (try FastImport.noise(bytes: 100_000)))
            try await noise.expectEnd()
            let silent = try await SocketConnection.connect(port: port)
            let named = try await SocketConnection.connect(port: port)
            try await named.send("SSH-2.0-slow\r\n")
            try await silent.expectEnd()
            try await named.expectEnd()
            try await node.stop()
        }

        @Test func `a client that offers key after key is sent away`() async throws {
            let node = try await RunningNode.startWithSSH(["plugin.ssh.key-offers.max": "5"])
            let client = try await SSHClient.make(for: node)
            var options: [String] = []
            for number in 0..<20 {
                let file = client.git.directory.path("other\(number)")
                _ = try await ChildProcess.run(
                    ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file],
                    environment: client.git.fullEnvironment)
                options += ["-i", file]
            }
            let outcome = try await client.run("x", options: options)
            #expect(outcome.status == 255)
            #expect(outcome.errors.contains("too many keys were offered"), "\(outcome.errors)")
            try await node.stop()
        }

        @Test func `more connections than may be are refused with a line`() async throws {
            let node = try await RunningNode.startWithSSH(["plugin.ssh.session.address.max": "5"])
            let port = node.sshPort
            var open: [SocketConnection] = []
            for _ in 0..<5 {
                let connection = try await SocketConnection.connect(port: port)
                _ = try await connection.receive(until: "SSH-2.0-Perigee")
                open.append(connection)
            }
            let refused = try await SocketConnection.connect(port: port)
            let line = String(decoding: try await refused.receive(until: "\n"), as: UTF8.self)
            #expect(line.contains("too many connections from this address"))
            open.removeLast().close()
            try await waitUntil("room again") {
                let next = try await SocketConnection.connect(port: port)
                defer { next.close() }
                let line = try? await next.receive(until: "\n")
                return line.map { String(decoding: $0, as: UTF8.self).contains("SSH-2.0-Perigee") } ?? false
            }
            try await node.stop()
        }

        @Test func `an audit finds no algorithm that fails`() async throws {
            let node = try #require(SSHSuite.current)
            let outcome = try await ChildProcess.run(
                ["ssh-audit", "--no-colors", "-p", String(node.sshPort), "127.0.0.1"],
                environment: Executable.environment)
            #expect(outcome.output.contains("curve25519-sha256"), "\(outcome.errors)")
            #expect(!outcome.output.contains("[fail]"), "\(outcome.output)")
            // Git compresses by itself, and what a stranger sends is not unpacked.
            #expect(outcome.output.contains("compression: disabled"))
        }

        @Test(arguments: [
            ["-c", "aes128-cbc"], ["-c", "3des-cbc"], ["-m", "hmac-sha1", "-c", "aes128-ctr"],
            ["-o", "KexAlgorithms=diffie-hellman-group14-sha1"], ["-o", "HostKeyAlgorithms=ssh-rsa"],
        ])
        func `weak algorithms are refused`(options: [String]) async throws {
            let place = try await SSHSuite.makePlace()
            let outcome = try await place.client.run("x", options: options)
            #expect(outcome.status == 255)
            #expect(outcome.errors.contains("no matching"), "\(outcome.errors)")
        }

        @Test(arguments: [
            "chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr",
            "aes128-ctr",
        ])
        func `each cipher carries a clone`(cipher: String) async throws {
            var place = try await SSHSuite.makePlace()
            place.client.git.environment["GIT_SSH_COMMAND", default: ""] += " -c \(cipher)"
            try await place.git.succeed("clone", "--quiet", "--bare", place.remote, "copy.git")
        }
    }
}

extension SocketConnection {
    /// Waits until the server has closed the connection, or broken it.
    fileprivate func expectEnd() async throws {
        _ = try await receiveAll()
    }
}
