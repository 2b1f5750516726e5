import Foundation
import NodeTestKit
import Portable
import Testing

/// HTTPS, with certificates that the test makes; clients are told whom to trust, and nothing of the
/// machine's.
@Suite struct TLSTests {
    @Test(arguments: [
        ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], ["-newkey", "rsa:2048"],
    ])
    func `curl and git work over HTTPS when they trust the certificate, and refuse when they do not`(
        kind: [String]
    ) async throws {
        let directory = try TemporaryDirectory("tls")
        let certificate = try await TestCertificate.make(in: directory.folder("tls"), kind: kind)
        let node = try await RunningNode.start(properties: certificate.properties, directory: directory)
        #expect(node.url == "https://127.0.0.1:\(node.port)")
        try await waitUntil("the serving line", detail: { node.standardOutput }) {
            node.standardOutput.hasPrefix("Perigee serves https://127.0.0.1:\(node.port) ")
        }
        let file = FileManager.default.contents(atPath: "\(node.home)/run/node.json") ?? Data()
        #expect(try JSON.decode(Array(file))["url"]?.stringValue == node.url)

        let status = try await curl(["--cacert", certificate.authority, "\(node.url)/status"])
        #expect(status.output == #"{"state":"RUNNING"}"#, "\(status.errors)")
        let distrusting = try await curl(["\(node.url)/status"])
        #expect(distrusting.status == 60, "\(distrusting.errors)")

        try await makeRepository(node, certificate)
        try await pushAndClone(node, certificate)
        #expect(try await node.stop().status == 0)
    }

    @Test func `a relative path counts from the home, and the command line asks by HTTPS`() async throws {
        let node = try RunningNode.prepare(properties: [
            "server.ssl.enabled": "true", "server.ssl.certificate": "tls/chain.pem",
            "server.ssl.certificate-private-key": "tls/key.pem",
        ])
        _ = try await TestCertificate.make(in: node.directory.folder("home/tls"))
        try await node.start()
        let list = try await node.perigee("plugin", "list", "--home", node.home)
        #expect(list.succeeded, "\(list.errors)")
        // From elsewhere the certificate counts, and nobody here trusts it.
        let remote = try await node.perigee("plugin", "list", "--server", node.url, "--token", "x")
        #expect(remote.status == 1)
        #expect(remote.errors.contains("cannot be reached"), "\(remote.errors)")
        try await node.stop()
    }

    @Test func `plain HTTP to the port of HTTPS is answered with a sentence`() async throws {
        let directory = try TemporaryDirectory("tls")
        let certificate = try await TestCertificate.make(in: directory.folder("tls"))
        let node = try await RunningNode.start(properties: certificate.properties, directory: directory)
        let answer = try await node.anonymous.get("/status")
        #expect(answer.status == 400)
        #expect(answer.text == "This port speaks HTTPS. Use a URL that begins with https://.\n")
        #expect(answer.header("X-AREQUESTID")?.isEmpty == false)
        let noise = try FastImport.noise(bytes: 300_000)
        let large = try await node.anonymous.send("POST", "/status", body: noise)
        #expect(large.status == 400)
        let git = try GitClient()
        let listing = try await git.run("ls-remote", "http://127.0.0.1:\(node.port)/scm/prj/app.git")
        #expect(listing.errors.contains("remote: This port speaks HTTPS."), "\(listing.errors)")
        #expect(try await node.stop().status == 0)
    }

    @Test func `connections that break off their handshake hurt nobody`() async throws {
        let directory = try TemporaryDirectory("tls")
        let certificate = try await TestCertificate.make(in: directory.folder("tls"))
        let node = try await RunningNode.start(properties: certificate.properties, directory: directory)
        let silent = try await SocketConnection.connect(port: node.port)
        let half = try await SocketConnection.connect(port: node.port)
        try await half.send(Data([22, 3, 1, 2, 0, 1, 0]))
        let garbage = try await SocketConnection.connect(port: node.port)
        try await garbage.send(Data([22, 3, 1, 0, 5]) + Data("tasty".utf8))
        _ = try await garbage.receiveAll()
        let reset = try await SocketConnection.connect(port: node.port)
        try await reset.send(Data([22, 3]))
        reset.reset()
        let status = try await curl(["--cacert", certificate.authority, "\(node.url)/status"])
        #expect(status.output == #"{"state":"RUNNING"}"#, "\(status.errors)")
        // What is still open does not hold up the stop.
        #expect(try await node.stop().status == 0)
        for connection in [silent, half, garbage] { connection.close() }
    }

    // MARK: Support

    /// `curl` without the machine's settings: no proxy, no file of its own, no certificates but those named.
    private func curl(_ arguments: [String]) async throws -> ProcessOutcome {
        try await ChildProcess.run(
            ["curl", "--disable", "--silent", "--show-error", "--noproxy", "*", "--max-time", "60"]
                + arguments, environment: Executable.environment)
    }

    private func makeRepository(_ node: RunningNode, _ certificate: TestCertificate) async throws {
        let credentials = "\(RunningNode.administrator):\(RunningNode.administratorPassword)"
        let bodies = [
            ("projects", #"{"key":"PRJ","name":"Project"}"#),
            ("projects/PRJ/repos", #"{"name":"app","scmId":"git"}"#),
        ]
        for (path, body) in bodies {
            let made = try await curl([
                "--cacert", certificate.authority, "--user", credentials, "--fail-with-body", "--header",
                "Content-Type: application/json", "--data", body, "\(node.url)/rest/api/latest/\(path)",
            ])
            #expect(made.succeeded, "\(made.output)\(made.errors)")
        }
    }

    private func pushAndClone(_ node: RunningNode, _ certificate: TestCertificate) async throws {
        let remote = node.remote("PRJ", "app").replacingOccurrences(of: "http://", with: "https://")
        var git = try GitClient()
        git.environment = ["GIT_SSL_CAINFO": certificate.authority]
        try await git.makeRepository("work")
        try git.directory.write(FastImport.noise(bytes: 3_000_000), to: "work/noise.bin")
        try await git.succeed("add", "noise.bin", in: "work")
        try await git.succeed("commit", "--quiet", "--message", "noise", in: "work")
        try await git.succeed("push", "--quiet", remote, "main", in: "work")
        try await git.succeed("clone", "--quiet", "--mirror", remote, "mirror.git")
        #expect(try await git.refs(in: "mirror.git") == git.refs(in: "work"))
        try await git.succeed("fsck", "--full", in: "mirror.git")

        git.environment = [:]
        let distrusting = try await git.run("ls-remote", remote)
        #expect(!distrusting.succeeded)
        #expect(distrusting.errors.lowercased().contains("certificate"), "\(distrusting.errors)")
        let configured = "http.sslCAInfo=\(certificate.authority)"
        try await git.succeed("-c", configured, "clone", "--quiet", "--branch=main", remote, "copy")
        try await git.commit(in: "copy", file: "more", text: "more\n")
        let more = try await git.run("-c", configured, "push", "origin", "main", in: "copy")
        #expect(more.succeeded, "\(more.errors)")
    }
}
