import Foundation
import NodeTestKit
import Portable
import Testing

@Suite struct OperationTests {
    @Test func `an answer's request id is in every log line about it`() async throws {
        let node = try await RunningNode.start()
        let answer = try await node.http.get("/rest/api/latest/projects")
        let id = try #require(answer.header("X-AREQUESTID"))
        try await waitUntil("the log line", detail: { node.log }) {
            node.log.split(separator: "\n").contains {
                $0.contains("request.id=\(id)") && $0.contains("/projects")
            }
        }
        try await node.stop()
    }

    @Test func `a level that is set while the node runs holds for the very next line`() async throws {
        let node = try await RunningNode.start()
        let level = "/rest/api/latest/logs/logger/perigee.access"
        #expect(try await node.http.put("\(level)/WARN").status == 204)
        let quiet = try #require(try await node.http.get("/rest/api/latest/users").header("X-AREQUESTID"))
        #expect(try await node.http.put("\(level)/INFO").status == 204)
        let told = try #require(try await node.http.get("/rest/api/latest/users").header("X-AREQUESTID"))
        try await waitUntil("the log line", detail: { node.log }) {
            node.log.contains("request.id=\(told)")
        }
        #expect(!node.log.contains("request.id=\(quiet)"))
        try await node.stop()
    }

    @Test func `pushes are counted by how they went`() async throws {
        let node = try await RunningNode.start()
        try await node.makeRepository("PRJ", "app")
        let git = try GitClient()
        try await git.makeRepository("work")
        try await git.succeed("push", "--quiet", node.remote("PRJ", "app"), "main", in: "work")
        let refused = try await git.run(
            "push", node.remote("PRJ", "app"), "main:refs/pull-requests/1/from", in: "work")
        #expect(!refused.succeeded)
        let text = try await node.http.get("/metrics").text
        for outcome in ["finished", "refused"] {
            let line = #"perigee_pushes_total{outcome="\#(outcome)",transport="http"} 1"#
            #expect(text.contains(line), "\(text)")
        }
        #expect(text.contains(#"http_requests_total{"#), "\(text)")
        try await node.stop()
    }

    @Test func `metrics are in Prometheus' form, and closed to strangers unless opened`() async throws {
        let open = try await RunningNode.start(properties: ["metrics.anonymous": "true"])
        let answer = try await open.anonymous.get("/metrics")
        #expect(answer.status == 200)
        #expect(answer.header("Content-Type")?.hasPrefix("text/plain") == true)
        #expect(answer.text.contains("# TYPE "))
        try await open.stop()
        let closed = try await RunningNode.start()
        #expect(try await closed.anonymous.get("/metrics").status == 401)
        #expect(try await closed.http.get("/metrics").status == 200)
        try await closed.stop()
    }

    @Test func `TLS is served with a certificate and a key`() async throws {
        let node = try RunningNode.prepare(properties: [
            "server.ssl.enabled": "true", "server.ssl.certificate": "tls/chain.pem",
            "server.ssl.certificate-private-key": "tls/key.pem",
        ])
        let folder = try node.directory.folder("home/tls")
        let made = try await ChildProcess.run(
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                "\(folder)/key.pem", "-out", "\(folder)/chain.pem",
            ], environment: Executable.environment)
        #expect(made.succeeded, "\(made.errors)")
        try await node.start()
        #expect(node.url.hasPrefix("https://127.0.0.1:"))
        var git = try GitClient()
        git.environment = ["GIT_SSL_CAINFO": "\(folder)/chain.pem"]
        let password = RunningNode.administratorPassword
        let missing = try await git.run(
            "ls-remote", "https://admin:\(password)@127.0.0.1:\(node.port)/scm/prj/none.git")
        #expect(!missing.errors.contains("certificate"), "\(missing.errors)")
        #expect(missing.errors.contains("not found"), "\(missing.errors)")
        let list = try await node.perigee("plugin", "list", "--home", node.home)
        #expect(list.succeeded, "\(list.errors)")
        try await node.stop()
    }

    @Test func `the command line asks another machine's node with a token or a password`() async throws {
        let node = try await RunningNode.start()
        let refused = try await node.perigee("plugin", "list", "--server", node.url, "--token", "pgt_wrong")
        #expect(refused.status == 1)
        #expect(refused.errors.contains("401"))
        let file = FileManager.default.contents(atPath: "\(node.home)/run/local-token") ?? Data()
        let token = String(decoding: file, as: UTF8.self)
        let shown = try await node.perigee(
            "plugin", "show", "branch-protection", "--server", node.url, "--token", token)
        #expect(shown.output.contains("state: enabled"), "\(shown.errors)")
        let listed = try await ChildProcess.run(
            [
                Executable.perigee, "plugin", "list", "--server", node.url, "--user",
                RunningNode.administrator,
            ],
            environment: Executable.environment.merging(
                ["PERIGEE_PASSWORD": RunningNode.administratorPassword]) { $1 })
        #expect(listed.succeeded, "\(listed.errors)")
        try await node.stop()
    }

    @Test func `a base URL that is set is what links begin with`() async throws {
        let node = try await RunningNode.start(properties: ["setup.baseUrl": "https://git.example.org/"])
        try await node.makeRepository("PRJ", "linked")
        let repository = try await node.http.get("/rest/api/latest/projects/PRJ/repos/linked").json()
        let links = repository["links"]?["clone"]?.listValue?.compactMap { $0["href"]?.stringValue } ?? []
        #expect(links == ["https://git.example.org/scm/prj/linked.git"])
        #expect(node.url == "http://127.0.0.1:\(node.port)")
        try await node.stop()
    }

    @Test func `the shared home may be elsewhere`() async throws {
        let directory = try TemporaryDirectory("shared")
        let shared = directory.path("elsewhere")
        let node = try RunningNode.prepare(
            arguments: [
                "--shared-home", shared, "--property", "server.port=0", "--property",
                "server.address=127.0.0.1",
                "--property", "plugin.ssh.enabled=false",
                "--property", "setup.sysadmin.password=\(RunningNode.administratorPassword)",
            ], directory: directory)
        try await node.start()
        try await node.makeRepository("PRJ", "one")
        #expect(FileManager.default.fileExists(atPath: "\(shared)/data/repositories/1/HEAD"))
        #expect(FileManager.default.fileExists(atPath: "\(node.home)/run/lock"))
        try await node.stop()
    }
}
