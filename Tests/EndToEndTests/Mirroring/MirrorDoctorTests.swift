import Foundation
import NodeTestKit
import Portable
import Testing

/// `perigee mirror doctor` names what is wrong, and what to do.
@Suite(.serialized)
struct MirrorDoctorTests {
    private struct Outcome {
        let status: Int32
        let findings: [PortableValue]

        /// The results of a check, such as `OK`.
        func results(_ check: String) -> [String] {
            findings.filter { $0["check"]?.stringValue == check }.compactMap { $0["result"]?.stringValue }
        }

        func text(_ check: String) -> String {
            findings.first { $0["check"]?.stringValue == check }?["text"]?.stringValue ?? ""
        }
    }

    private static func doctor(_ node: RunningNode, _ arguments: String...) async throws -> Outcome {
        let outcome = try await ChildProcess.run(
            [Executable.perigee, "mirror", "doctor", "--json", "--home", node.home] + arguments,
            environment: Executable.environment, directory: "/")
        let findings = try JSON.decode(Array(outcome.output.utf8)).listValue ?? []
        return Outcome(status: outcome.status, findings: findings)
    }

    @Test func `both sides of a healthy pair are well, and then each fault has its line`()
        async throws
    {
        // Where clients find the mirror: its port is known only later.
        let front = try TCPProxy(to: 1)
        let scene = try await MirrorScene.start(["setup.baseUrl": "http://127.0.0.1:\(front.port)"])
        front.redirect(to: scene.mirror.port)
        let well = try await Self.doctor(scene.mirror)
        #expect(well.status == 0, "\(well.findings)")
        for check in [
            "configuration", "node", "upstream address", "upstream status", "clock", "version",
            "registration", "mirror address", "mirror status", "mirror id", "ssh", "plugin", "link",
            "farm",
            "repositories", "queue",
        ] {
            #expect(well.results(check) == ["OK"], "\(check): \(well.findings)")
        }
        #expect(well.results("upstream tls") == ["WARNING"])
        let primary = try await Self.doctor(scene.primary)
        #expect(primary.status == 0, "\(primary.findings)")
        for check in [
            "configuration", "node", "plugin", "queue", "mirrors", "Office link", "Office clock",
            "Office address", "Office status", "Office id",
        ] {
            #expect(primary.results(check) == ["OK"], "\(check): \(primary.findings)")
        }
        let text = try await scene.mirror.perigee("mirror", "doctor", "--home", scene.mirror.home)
        #expect(
            text.succeeded && text.output.contains("OK       registration: The upstream has accepted"))
        try await Self.addressesAndLine(scene, front)
        try await Self.nodesAndRegistration(scene)
    }

    private static func addressesAndLine(_ scene: MirrorScene, _ front: TCPProxy) async throws {
        // Somebody else is at the mirror's address.
        front.redirect(to: scene.primary.port)
        let other = try await Self.doctor(scene.mirror)
        #expect(other.status == 1 && other.results("mirror id") == ["PROBLEM"])
        #expect(try await Self.doctor(scene.primary).results("Office id") == ["PROBLEM"])
        // Nothing is.
        let closed = "setup.baseUrl=http://127.0.0.1:1"
        let away = try await Self.doctor(scene.mirror, "--property", closed)
        #expect(away.results("mirror address") == ["PROBLEM"])

        // The line is cut, and the upstream is at an address where nobody is.
        scene.proxy.behave(.reset)
        try await waitUntil("a node that knows") {
            try await scene.mirror.mirrorStatus()["connected"]?.boolValue == false
        }
        let cut = try await Self.doctor(scene.mirror)
        // The reset may come while the connection is made, or after.
        let met = cut.results("upstream address") + cut.results("upstream status")
        #expect(cut.status == 1 && met.contains("PROBLEM"), "\(cut.findings)")
        #expect(cut.results("link") == ["PROBLEM"] && cut.results("registration") == ["SKIPPED"])
        let nobody = "plugin.mirroring.upstream.url=http://127.0.0.1:1"
        let wrong = try await Self.doctor(scene.mirror, "--property", nobody)
        #expect(wrong.results("upstream address") == ["PROBLEM"])
        #expect(wrong.text("upstream address").contains("refused"), "\(wrong.findings)")
        scene.proxy.behave(.forward)
    }

    private static func nodesAndRegistration(_ scene: MirrorScene) async throws {
        // No node: the network is looked at all the same.
        try await scene.mirror.stop()
        let stopped = try await Self.doctor(scene.mirror)
        #expect(stopped.status == 1 && stopped.results("node") == ["PROBLEM"])
        #expect(stopped.results("registration") == ["OK"], "\(stopped.findings)")
        try await waitUntil("a primary that misses the mirror") {
            try await Self.doctor(scene.primary).results("Office link") == ["PROBLEM"]
        }

        // The upstream no longer has it.
        let mirrors = try await scene.primary.http.get("/rest/mirroring/latest/mirrorServers").json()
        let id = try #require(mirrors["values"]?[0]?["id"]?.stringValue)
        #expect(
            try await scene.primary.http.delete("/rest/mirroring/latest/mirrorServers/\(id)").status
                == 204)
        let removed = try await Self.doctor(scene.mirror)
        #expect(removed.results("registration") == ["PROBLEM"])
        #expect(removed.text("registration").contains("has not accepted \(id)"))

        // A key that is wrong.
        let key = try await Self.doctor(scene.mirror, "--property", "plugin.mirroring.fetches.max=0")
        #expect(key.status == 1 && key.results("configuration") == ["PROBLEM"])
        try await scene.primary.stop()
        let down = try await Self.doctor(scene.primary)
        #expect(down.status == 1 && down.results("node") == ["PROBLEM"])
    }

    @Test func `an upstream whose clock is an hour ahead is told by both sides`() async throws {
        let folder = try TemporaryDirectory("clock")
        let clock = try FakedClock(file: folder.path("offset"))
        let primary = try await RunningNode.start(environment: clock.environment)
        let mirror = try await MirrorPair.startMirror(
            of: primary.url, name: "office", properties: ["setup.baseUrl": "http://127.0.0.1:1"])
        let requests = "/rest/mirroring/latest/requests"
        let id = try await waitFor("the mirror's request", detail: { mirror.log }) { () -> Int64? in
            try await primary.http.get("\(requests)?state=PENDING").json()["values"]?[0]?["id"]?.integerValue
        }
        let accepted = try await primary.http.send(
            "POST", "\(requests)/\(id)/accept?mode=ALL_PROJECTS", body: Data())
        try #require(accepted.status == 200, "\(accepted.text)")
        try await waitUntil("a mirror that has everything", detail: { mirror.log }) {
            try await mirror.anonymous.get("/status").status == 200
        }
        let well = try await Self.doctor(mirror)
        #expect(well.results("clock") == ["OK"] && well.results("registration") == ["OK"], "\(well.findings)")

        try clock.set("+3600")
        try await waitUntil("a node that knows") {
            try await mirror.mirrorStatus()["connected"]?.boolValue == false
        }
        let wrong = try await Self.doctor(mirror)
        #expect(wrong.status == 1 && wrong.results("clock") == ["PROBLEM"], "\(wrong.findings)")
        // Some seconds more or less: the upstream says whole ones, and both sides take their time.
        let said = wrong.text("clock")
        let seconds = try #require(said.split(separator: " ").compactMap { Double($0) }.first, "\(said)")
        #expect((3_500...3_700).contains(seconds) && said.hasSuffix("s behind."), "\(said)")
        #expect(wrong.results("registration") == ["PROBLEM"])
        #expect(wrong.text("registration").contains("refuses this mirror's time"), "\(wrong.findings)")
        #expect(wrong.results("link") == ["PROBLEM"])
        try await waitUntil("a primary that misses the mirror") {
            try await Self.doctor(primary).results("Office link") == ["PROBLEM"]
        }

        try clock.set("+0")
        try await waitUntil("a link again", detail: { mirror.log.suffix(3000).description }) {
            try await mirror.mirrorStatus()["connected"]?.boolValue == true
        }
        let again = try await Self.doctor(mirror)
        #expect(again.results("clock") == ["OK"] && again.results("link") == ["OK"], "\(again.findings)")
    }

    @Test(arguments: ["authority", "name", "expired"])
    func `a certificate that cannot be trusted is told apart`(_ problem: String) async throws {
        let directory = try TemporaryDirectory("doctor")
        let folder = try directory.folder("tls")
        let certificate = try await TestCertificate.make(in: folder)
        let names =
            problem == "name" ? "DNS:git.example.org,DNS:*.example.net" : "IP:127.0.0.1,DNS:localhost"
        try await TestCertificate.sh(
            """
            set -e
            cd "$1"
            echo "subjectAltName=$2" > names
            openssl x509 -req -in request.pem -CA authority.pem -CAkey authority.key -CAcreateserial \
                -days "$3" -extfile names -out server.pem
            cat server.pem authority.pem > chain.pem
            """, [folder, names, problem == "expired" ? "-1" : "2"])
        let primary = try await RunningNode.start(properties: certificate.properties)
        let mirror = try RunningNode.prepare(properties: [
            "application.mode": "mirror", "setup.displayName": "Office",
            "setup.baseUrl": "http://mirror.example.org",
            "plugin.mirroring.upstream.url": "https://127.0.0.1:\(primary.port)",
        ])
        try mirror.writeProperties()
        let trust = "plugin.mirroring.upstream.certificate-authorities=\(certificate.authority)"
        let trusted = try await Self.doctor(mirror, "--property", trust)
        let plain = try await Self.doctor(mirror)
        #expect(plain.results("upstream tls") == ["PROBLEM"] && plain.status == 1)
        switch problem {
        case "authority":
            #expect(
                plain.text("upstream tls").contains("authority that is not trusted"), "\(plain.findings)")
            #expect(trusted.results("upstream tls") == ["OK"], "\(trusted.findings)")
            #expect(trusted.results("upstream status") == ["OK"])
        case "name":
            let said = trusted.text("upstream tls")
            #expect(said.contains("for git.example.org, *.example.net, not for 127.0.0.1"), "\(said)")
        default:
            #expect(trusted.text("upstream tls").contains("has expired on"), "\(trusted.findings)")
        }
    }
}
