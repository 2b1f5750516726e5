import Foundation
import NodeTestKit
import Portable
import Testing

/// The plugin `push-mirror` over SSH and TLS, and with remotes that mean harm.
@Suite struct PushMirrorTrustTests {
    @Test func `over SSH a key logs in, and only the host keys that are given are believed`() async throws {
        let scene = try await PushMirrorScene.start(
            remote: ["plugin.ssh.enabled": "true", "plugin.ssh.port": "0"])
        let client = try await SSHClient.make(for: scene.remote)
        try await client.register()
        let stranger = try await SSHClient.make(for: scene.remote)
        let port = try #require(
            URL(string: scene.remote.sshRemote("DST", "copy").replacing("ssh://", with: "http://"))?.port)
        let scan = try await ChildProcess.run(
            ["ssh-keyscan", "-p", String(port), "127.0.0.1"], environment: Executable.environment)
        let hostKeys = scan.output.split(separator: "\n").map { PortableValue.string(String($0)) }
        try #require(!hostKeys.isEmpty)
        let key = PortableValue.string(try String(contentsOfFile: client.keyFile, encoding: .utf8))
        let usual: [String: PortableValue] = [
            "url": .string("ssh://git@127.0.0.1:\(port)/dst/copy.git"), "username": .null, "password": .null,
            "private_key": key, "host_keys": .list(hostKeys),
        ]
        try await scene.push("main")
        try await scene.configure(usual.merging(["host_keys": [.string(client.publicKey)]]) { $1 })
        try await scene.waitForStatus("another host") { $0["outcome"] == "untrusted" }
        let strangers = PortableValue.string(try String(contentsOfFile: stranger.keyFile, encoding: .utf8))
        try await scene.configure(usual.merging(["private_key": strangers]) { $1 })
        try await scene.waitForStatus("a key that is not known") { $0["outcome"] == "unauthorized" }
        try await scene.configure(usual)
        try await scene.waitForCopy()
        try await scene.pushCommit("two")
        try await scene.waitForCopy()
    }

    @Test func `over HTTPS only a trusted certificate is believed`() async throws {
        let folder = try TemporaryDirectory("certificate")
        let certificate = try await TestCertificate.make(in: folder.path)
        let scene = try await PushMirrorScene.start(remote: certificate.properties)
        try await scene.push("main")
        let url = PortableValue.string("https://localhost:\(scene.remote.port)/scm/dst/copy.git")
        try await scene.configure(["url": url])
        try await scene.waitForStatus("an authority that is not known") { $0["outcome"] == "untrusted" }
        let authority = PortableValue.string(
            try String(contentsOfFile: certificate.authority, encoding: .utf8))
        try await scene.configure(["url": url, "certificate_authorities": authority])
        // There is no such user; that is told through a trusted connection only.
        try await scene.waitForStatus("trusted") { $0["outcome"] == "unauthorized" }
    }

    /// A remote that redirects, or echoes what it was told.
    private static let program = """
        import base64, http.server, sys
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if "/redirect" in self.path:
                    self.send_response(302)
                    self.send_header("Location", sys.argv[1])
                    self.end_headers()
                    return
                said = self.headers.get("Authorization", "")
                text = said + " " + base64.b64decode(said[6:] or b"").decode()
                self.send_response(403)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.wfile.write(("\\x1b[31mno entry for " + text + "\\n").encode())
            def log_message(self, *_): pass
        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        print(server.server_port, flush=True)
        server.serve_forever()
        """

    @Test func `redirects are not followed, and what a remote echoes has no secrets`() async throws {
        let scene = try await PushMirrorScene.start()
        try await scene.push("main")
        let child = try await ChildProcess.start(
            ["python3", "-c", Self.program, scene.url], environment: Executable.environment,
            directory: scene.git.directory.path)
        defer { child.killGroup() }
        let port = try await waitFor("the remote's port") {
            Int(child.output.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        try await scene.configure(["url": .string("http://127.0.0.1:\(port)/redirect/x.git")])
        try await scene.waitForStatus("redirected") { $0["outcome"] == "redirected" }
        #expect(try await scene.remoteRefs.isEmpty)
        try await scene.configure(["url": .string("http://127.0.0.1:\(port)/echo/x.git")])
        let status = try await scene.waitForStatus("echoed") {
            $0["outcome"] == "unauthorized"
                && $0["last_error"]?["said"]?.stringValue?.contains("no entry") == true
        }
        let said = status["last_error"]?["said"]?.stringValue ?? ""
        #expect(said.contains("***") && !said.contains("\u{1b}"))
        let basic = Data("mirror:\(PushMirrorScene.password)".utf8).base64EncodedString()
        for text in ["\(status)", scene.source.log] {
            #expect(!text.contains(PushMirrorScene.password) && !text.contains(basic))
        }
    }

    @Test func `a repository's administrator cannot have it push by other protocols, or into the machine`()
        async throws
    {
        let scene = try await PushMirrorScene.start()
        try await scene.push("main")
        let trap = scene.git.directory.path("trap")
        for url in [
            "ext::sh -c touch% \(trap)", "file://\(trap)", "-oProxyCommand=touch \(trap)",
            "--upload-pack=touch \(trap)",
            "ssh://-oProxyCommand=touch$IFS\(trap)/x", "https://169.254.169.254/x", "https://[::1]/x",
            "http://127.0.0.1:\(scene.line.port)/x\r\nHost: y", "https://0x7f.1/x",
        ] {
            try await scene.configure(["url": .string(url)])
            let status = try await scene.waitForStatus("\(url) refused") {
                $0["outcome"] == "refused" && $0["url"] == .string(url)
            }
            #expect(status["last_error"]?["outcome"] == "refused")
        }
        #expect(!FileManager.default.fileExists(atPath: trap))
        #expect(scene.line.connections == 0)
    }
}
