import Foundation
import NodeTestKit
import Portable
import Testing

/// A mirror that gets its objects from the upstream's SSH port.
@Suite struct MirrorSSHTests {
    private static let often = [
        "plugin.mirroring.fetch.transport": "ssh", "plugin.mirroring.synchronization.interval": "5",
    ]

    private static func keyFile(_ mirror: RunningNode) -> String {
        "\(mirror.home)/shared/config/mirror-ssh/id_ed25519"
    }

    /// How many fetches over SSH the primary has answered.
    private static func fetches(_ primary: RunningNode) async throws -> Int {
        let lines = try await primary.http.get("/metrics").text.split(separator: "\n")
        return lines.filter {
            $0.hasPrefix("perigee_ssh_commands_total{") && $0.contains("upload-pack") && $0.contains("done")
        }.reduce(0) { $0 + (Int($1.split(separator: " ").last ?? "") ?? 0) }
    }

    private static func fetch(_ mirror: RunningNode) async throws -> PortableValue {
        try await mirror.mirrorStatus()["fetch"] ?? .null
    }

    /// A pair whose mirror reaches the primary's SSH port by a line of its own.
    private static func startByLine(
        _ properties: [String: String] = [:]
    ) async throws -> (MirrorPair, TCPProxy) {
        let line = try TCPProxy(to: 1)
        let url = ["plugin.mirroring.fetch.ssh.url": "ssh://127.0.0.1:\(line.port)"]
        let pair = try await MirrorPair.start(
            properties: often.merging(url) { $1 }.merging(properties) { $1 }, primary: SSHSuite.properties
        ) { primary, git in
            line.redirect(to: primary.sshPort)
            try await MirrorPair.fill(primary, git)
        }
        return (pair, line)
    }

    @Test func `what is there and every push comes over SSH, and no pack over HTTP`() async throws {
        let pair = try await MirrorPair.start(
            nodes: 2, properties: Self.often, primary: SSHSuite.properties, fill: MirrorPair.fill)
        let (primary, mirror) = (pair.primary, pair.mirrors[0])
        for mirror in pair.mirrors { try await pair.waitForRefs(of: "PRJ", "app", on: mirror) }
        #expect(try await Self.fetches(primary) >= 1)
        for round in 0..<2 {
            let before = try await Self.fetches(primary)
            try await pair.commit("round \(round)")
            try await pair.push("main", "HEAD:refs/heads/topic/\(round)")
            for mirror in pair.mirrors { try await pair.waitForRefs(of: "PRJ", "app", on: mirror) }
            #expect(try await Self.fetches(primary) >= before + 2)
        }
        // A new repository, and one without any history in common.
        try await primary.makeRepository("PRJ", "second")
        try await pair.push("main", to: "second")
        for mirror in pair.mirrors { try await pair.waitForRefs(of: "PRJ", "second", on: mirror) }
        try await pair.expectEqual()
        let id = try await pair.id(of: "app")
        #expect(primary.log.contains("/mirrored/\(id)"), "\(primary.log.suffix(2000))")
        #expect(primary.log.contains("user=\"mirror \(pair.id)\""))
        #expect(!primary.log.contains("/repos/\(id)/pack"))
        let fetch = try await Self.fetch(mirror)
        #expect(fetch["transport"]?.stringValue == "ssh" && fetch["lastError"]?.stringValue == nil)
        #expect(fetch["address"]?.stringValue == "127.0.0.1:\(primary.sshPort)")
        let facts = try FileManager.default.attributesOfItem(atPath: Self.keyFile(mirror))
        #expect(facts[.posixPermissions] as? Int == 0o600)
    }

    @Test func `a mirror's key reads what it is to have while it is accepted, and nothing else`()
        async throws
    {
        let pair = try await MirrorPair.start(
            accept: false, properties: Self.often, primary: SSHSuite.properties
        ) { primary, git in
            try await MirrorPair.fill(primary, git)
            try await primary.makeRepository("OTHER", "lib")
            try await git.succeed("push", "--quiet", primary.remote("OTHER", "lib"), "main", in: "work")
        }
        let (primary, mirror) = (pair.primary, pair.mirrors[0])
        try await pair.accept(mode: "SELECTED_PROJECTS")
        let project = try await primary.http.get("/rest/api/latest/projects/PRJ").json()["id"]?.integerValue
        let chosen = try await primary.http.put(
            "/rest/mirroring/latest/mirrorServers/\(pair.id)/syncSettings",
            ["projectIds": [.string("\(project ?? 0)")]])
        try #require(chosen.status == 200, "\(chosen.text)")
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)

        let client = SSHClient(
            node: primary, git: try GitClient(), keyFile: Self.keyFile(mirror), publicKey: "")
        let id = try await pair.id(of: "app")
        let other = try await primary.refsOnDisk("OTHER", "lib").id
        let flush = Data("0000".utf8)
        let own = try await client.run("git-upload-pack '/mirrored/\(id)'", input: flush)
        #expect(own.status == 0 && own.output.contains("refs/heads/main"), "\(own.errors)")
        for command in [
            "git-receive-pack '/mirrored/\(id)'", "git-upload-archive '/mirrored/\(id)'",
            "git-receive-pack '/PRJ/app.git'", "git-upload-pack '/PRJ/app.git'",
            "git-upload-pack '/mirrored/\(other)'", "git-upload-pack '/mirrored/99999'",
            "git-upload-pack '/mirrored/-1'", "git-upload-pack '/mirrored/1/../\(id)'", "id",
        ] {
            let refused = try await client.run(command, input: flush)
            #expect(refused.status == 128, "\(command): \(refused.errors)")
            #expect(!refused.output.contains("refs/"), "\(command): \(refused.output)")
        }
        try await Self.expectNothingAfterRemoval(pair, client, id)
    }

    private static func expectNothingAfterRemoval(
        _ pair: MirrorPair, _ client: SSHClient, _ id: Int64
    ) async throws {
        // A conversation that waits for its client ends, too.
        let command = client.ssh() + ["git-upload-pack '/mirrored/\(id)'"]
        let open = try await ChildProcess.start(
            ["sh", "-c", "sleep 600 | { \"$@\"; echo over; }", "sh"] + command,
            environment: client.git.fullEnvironment)
        try await waitUntil("refs") { open.output.contains("refs/heads/main") }
        let root = "/rest/mirroring/latest"
        let http = pair.primary.http
        #expect(try await http.delete("\(root)/mirrorServers/\(pair.id)").status == 204)
        let removed = try await client.run(nil)
        #expect(removed.status == 255 && removed.errors.contains("Permission denied"), "\(removed.errors)")
        try await waitUntil("a conversation that has ended", detail: { pair.primary.log }) {
            open.output.hasSuffix("over\n")
        }
        open.killGroup()
        // It asks anew, and is declined.
        let request = try await waitFor("a mirror that asks again") { () -> Int64? in
            try await http.get("\(root)/requests?state=PENDING").json()["values"]?[0]?["id"]?.integerValue
        }
        #expect(try await client.run(nil).status == 255)
        #expect(try await http.post("\(root)/requests/\(request)/reject", [:]).status == 200)
        #expect(try await client.run(nil).status == 255)
    }

    @Test func `another server at the address, and none, are named, and fetched from is the right one`()
        async throws
    {
        let (pair, line) = try await Self.startByLine()
        let mirror = pair.mirrors[0]
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        let impostor = try await RunningNode.startWithSSH()

        line.redirect(to: impostor.sshPort)
        try await pair.commit("for the impostor")
        try await pair.push("main")
        try await Self.waitForProblem("another host key", on: mirror)
        let doctor = try await mirror.perigee("mirror", "doctor", "--home", mirror.home)
        #expect(doctor.status == 1)
        #expect(doctor.output.contains("PROBLEM  upstream ssh:"), "\(doctor.output)")
        #expect(doctor.output.contains("ssh-keyscan"), "\(doctor.output)")

        line.redirect(to: 1)
        line.behave(.reset)
        try await Self.waitForProblem("cannot be reached over SSH", on: mirror)
        let status = try await mirror.perigee("mirror", "status", "--home", mirror.home)
        #expect(status.output.contains("plugin.mirroring.fetch.ssh.url"), "\(status.output)")

        line.redirect(to: pair.primary.sshPort)
        line.behave(.forward)
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        #expect(try await Self.fetch(mirror)["lastError"]?.stringValue == nil)
        try await pair.expectEqual()
        let well = try await mirror.perigee("mirror", "doctor", "--home", mirror.home)
        #expect(well.output.contains("OK       upstream ssh:"), "\(well.output)")
    }

    private static func waitForProblem(_ text: String, on mirror: RunningNode) async throws {
        try await waitUntil(text, detail: { mirror.log.suffix(3000).description }) {
            try await fetch(mirror)["lastError"]?.stringValue?.contains(text) ?? false
        }
    }

    @Test func `a new address and new host keys of the upstream are learned from it`() async throws {
        let pair = try await MirrorPair.start(
            properties: Self.often, primary: SSHSuite.properties, fill: MirrorPair.fill)
        let (primary, mirror) = (pair.primary, pair.mirrors[0])
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        let hosts = "\(mirror.home)/shared/config/mirror-ssh/known_hosts"
        let before = try String(contentsOfFile: hosts, encoding: .utf8)
        try await primary.kill()
        try FileManager.default.removeItem(atPath: "\(primary.home)/shared/config/ssh")
        try await primary.start()
        pair.line.redirect(to: primary.port)
        try await pair.commit("by another key")
        try await pair.push("main")
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        #expect(try String(contentsOfFile: hosts, encoding: .utf8) != before)
    }

    @Test func `an upstream without SSH is named`() async throws {
        let pair = try await MirrorPair.start(accept: false, properties: Self.often, fill: MirrorPair.fill)
        try await pair.accept()
        try await Self.waitForProblem("does not serve SSH", on: pair.mirrors[0])
    }

    @Test func `a mirror that is killed within a fetch over SSH begins it again`() async throws {
        let (pair, line) = try await Self.startByLine()
        let (mirror, id) = (pair.mirrors[0], try await pair.id(of: "app"))
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        let file = URL(fileURLWithPath: pair.git.directory.path("work/large"))
        try FastImport.noise(bytes: 12_000_000).write(to: file)
        try await pair.git.succeed("add", "large", in: "work")
        try await pair.git.succeed("commit", "--quiet", "-m", "large", in: "work")
        let large = try await pair.git.succeed("rev-parse", "HEAD", in: "work")
        line.behave(.delay(.milliseconds(40)))
        try await pair.push("main")
        try await waitUntil("a part of the pack", detail: { mirror.log.suffix(3000).description }) {
            try await pair.copy(id, on: mirror)?["fetchedBytes"]?.integerValue ?? 0 > 0
        }
        try await mirror.kill()
        #expect(try await !pair.shows("refs/heads/main", at: large, of: id, on: mirror))
        try await waitUntil("no ssh of the killed node", deadline: .seconds(30)) {
            let found = try await ChildProcess.run(
                ["pgrep", "-f", "UserKnownHostsFile=.*\(mirror.home)"], environment: Executable.environment)
            return found.status == 1
        }
        line.behave(.forward)
        try await mirror.start()
        try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        try await pair.expectEqual()
    }
}
