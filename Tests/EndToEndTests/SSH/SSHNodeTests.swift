import Foundation
import NodeTestKit
import Portable
import Testing

/// The SSH door as a part of its node: its keys, its port, its balancer.
@Suite struct SSHNodeTests {
    @Test func `the host keys stay over a restart, and the command line shows them`() async throws {
        let node = try await RunningNode.startWithSSH()
        let shown = try await node.perigee("admin", "ssh-host-keys", "--home", node.home)
        #expect(shown.succeeded, "\(shown.errors)")
        #expect(shown.output.contains("ssh-ed25519"))
        #expect(shown.output.contains("SHA256:"))
        let lines = try await node.perigee("admin", "ssh-host-keys", "--known-hosts", "--home", node.home)
        let scanned = try await ChildProcess.run(
            ["ssh-keyscan", "-t", "ed25519", "-p", String(node.sshPort), "127.0.0.1"],
            environment: Executable.environment)
        let key = try #require(scanned.output.split(separator: " ").last)
        #expect(lines.output.contains(key.trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(lines.output.contains("[127.0.0.1]:\(node.sshPort) ssh-ed25519 "))
        let folder = "\(node.home)/shared/config/ssh"
        for name in ["host_ed25519", "host_rsa"] {
            let mode = try FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")[
                .posixPermissions]
            #expect(mode as? Int == 0o600)
        }
        try await node.restart()
        #expect(try await node.perigee("admin", "ssh-host-keys", "--home", node.home).output == shown.output)
        try await node.stop()
    }

    @Test func `nodes that share a home prove themselves by the same keys`() async throws {
        let directory = try TemporaryDirectory("shared")
        let shared = directory.path("shared")
        var keys: [PortableValue?] = []
        for _ in 0..<2 {
            let node = try RunningNode.prepare(
                arguments: [
                    "--shared-home", shared, "--property", "server.port=0", "--property",
                    "server.address=127.0.0.1", "--property", "plugin.ssh.port=0", "--property",
                    "setup.sysadmin.password=\(RunningNode.administratorPassword)",
                ])
            try await node.start()
            keys.append(try await node.anonymous.get("/rest/ssh/latest/settings").json()["hostKeys"])
            try await node.stop()
        }
        #expect(keys[0]?.listValue?.count == 2)
        #expect(keys[0] == keys[1])
    }

    @Test func `a port that is taken keeps the node from starting, with a sentence`() async throws {
        let first = try await RunningNode.startWithSSH()
        let second = try RunningNode.prepare(
            properties: SSHSuite.properties.merging(["plugin.ssh.port": String(first.sshPort)]) { $1 })
        let outcome = try await second.launch().waitForExit()
        #expect(outcome.status != 0)
        #expect(outcome.errors.contains("cannot listen on 127.0.0.1 port \(first.sshPort) for SSH"))
        #expect(outcome.errors.contains("plugin.ssh.port"))
        try await first.stop()
    }

    @Test func `a node without the door says so`() async throws {
        let node = try await RunningNode.start()
        #expect(node.sshPort == 0)
        let settings = try await node.anonymous.get("/rest/ssh/latest/settings").json()
        #expect(settings["enabled"]?.boolValue == false)
        let shown = try await node.perigee("admin", "ssh-host-keys", "--home", node.home)
        #expect(!shown.succeeded)
        #expect(shown.errors.contains("plugin.ssh.enabled is false"))
        try await node.stop()
    }

    @Test func `links begin with the address that is set`() async throws {
        let node = try await RunningNode.startWithSSH(["plugin.ssh.baseurl": "ssh://git.example.org:22"])
        try await node.makeRepository("PRJ", "one")
        let repository = try await node.http.get("/rest/api/latest/projects/PRJ/repos/one").json()
        let links = repository["links"]?["clone"]?.listValue?.compactMap { $0["href"]?.stringValue } ?? []
        #expect(links.contains("ssh://git@git.example.org:22/prj/one.git"))
        try await node.stop()
    }

    @Test func `behind a balancer the client's own address is known`() async throws {
        let node = try await RunningNode.startWithSSH(["plugin.ssh.proxy-protocol": "true"])
        let place = try await SSHSuite.makePlace(on: node)
        let proxy = """
            import socket, sys, threading
            port, header = int(sys.argv[1]), sys.argv[2].encode().decode("unicode_escape").encode("latin-1")
            s = socket.create_connection(("127.0.0.1", port))
            s.sendall(header[:5]); s.sendall(header[5:])
            def up():
                while True:
                    b = sys.stdin.buffer.raw.read(65536)
                    if not b: break
                    s.sendall(b)
                s.shutdown(socket.SHUT_WR)
            threading.Thread(target=up, daemon=True).start()
            while True:
                b = s.recv(65536)
                if not b: break
                sys.stdout.buffer.raw.write(b)
            """
        let script = place.git.directory.path("proxy.py")
        try proxy.write(toFile: script, atomically: true, encoding: .utf8)
        let headers = [
            ("PROXY TCP4 192.0.2.7 198.51.100.1 5000 22\\r\\n", "192.0.2.7"),
            (
                "\\r\\n\\r\\n\\x00\\r\\nQUIT\\n\\x21\\x11\\x00\\x0c"
                    + "\\xc0\\x00\\x02\\x09\\x01\\x02\\x03\\x04\\x13\\x88\\x00\\x16",
                "192.0.2.9"
            ),
        ]
        for (header, address) in headers {
            var git = place.git
            git.environment["GIT_SSH_COMMAND", default: ""] +=
                " -o 'ProxyCommand=/usr/bin/python3 \(script) \(node.sshPort) \"\(header)\"'"
            let refs = try await git.succeed("ls-remote", place.remote)
            #expect(refs.contains("refs/heads/main"))
            try await waitUntil("the address in the log") { node.log.contains("remote=\(address)") }
        }
        let bare = try await place.client.run("x")
        #expect(bare.status == 255)
        try await node.stop()
    }
}
