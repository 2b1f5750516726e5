import Foundation
import Mirroring
import NodeTestKit
import Portable
import Testing

/// What the figures, the log and the answers for mirrors say.
@Suite struct MirrorFigureTests {
    private static let root = "/rest/mirroring/latest"

    private static func fill(_ primary: RunningNode, _ git: GitClient) async throws {
        try await primary.makeRepository("PRJ", "app")
        try await git.makeRepository("work")
        try await git.succeed("push", "--quiet", primary.remote("PRJ", "app"), "main", in: "work")
    }

    /// The value of a series; nil when there is none.
    private static func figure(_ node: HTTPClient, _ series: String) async throws -> Double? {
        let text = try await node.get("/metrics").text
        let line = text.split(separator: "\n").first { $0.hasPrefix(series + " ") }
        return line.flatMap { Double($0.dropFirst(series.count + 1)) }
    }

    @Test func `lag, deliveries, fetches and failures are counted on both sides`() async throws {
        let pair = try await MirrorPair.start(fill: Self.fill)
        let (primary, mirror) = (pair.primary, pair.mirrors[0])
        let label = "mirror=\"\(pair.id)\""
        for round in 0..<3 {
            try await pair.git.succeed("commit", "--quiet", "--allow-empty", "-m", "\(round)", in: "work")
            try await pair.git.succeed(
                "push", "--quiet", primary.remote("PRJ", "app"), "main", in: "work")
            try await pair.waitForRefs(of: "PRJ", "app", on: mirror)
        }
        let http = primary.http
        try await waitUntil("deliveries that are counted") {
            let count = try await Self.figure(http, "perigee_mirror_lag_seconds_count{\(label)}")
            return count ?? 0 >= 1
        }
        let done = try await Self.figure(
            http, "perigee_mirror_deliveries_total{\(label),outcome=\"done\"}")
        #expect(done ?? 0 >= 1)
        // Between 0 and the time that this test has taken so far.
        let sum = try #require(try await Self.figure(http, "perigee_mirror_lag_seconds_sum{\(label)}"))
        #expect(sum > 0 && sum < 120)
        #expect(try await Self.figure(http, "perigee_mirror_node_up{\(label),node=\"node0\"}") == 1)
        #expect(
            try await Self.figure(http, "perigee_mirror_node_clock_seconds{\(label),node=\"node0\"}")
                != nil)
        let own = try mirror.localOperator
        #expect(try await Self.figure(own, "perigee_mirror_fetches_total{outcome=\"done\"}") ?? 0 >= 3)
        #expect(try await Self.figure(own, "perigee_mirror_repositories") == 1)
        #expect(try await Self.figure(own, "perigee_mirror_repositories_available") == 1)
        #expect(try await Self.figure(own, "perigee_mirror_connected") == 1)
        try await waitUntil("nothing that waits") {
            try await Self.figure(own, "perigee_mirror_waiting") == 0
        }
        #expect(try await Self.figure(own, "perigee_mirror_behind_seconds") == 0)

        // A fetch that fails.
        let id = try await primary.http.get("/rest/api/latest/projects/PRJ/repos/app").json()["id"]?
            .integerValue
        let folder = "\(mirror.home)/shared/data/repositories/\(id ?? 0)"
        try FileManager.default.moveItem(atPath: folder, toPath: "\(folder).away")
        try await pair.git.succeed("commit", "--quiet", "--allow-empty", "-m", "lost", in: "work")
        try await pair.git.succeed("push", "--quiet", primary.remote("PRJ", "app"), "main", in: "work")
        try await waitUntil("failures that are counted", detail: { mirror.log }) {
            try await Self.figure(own, "perigee_mirror_fetch_failures_total{reason=\"other\"}") ?? 0 >= 1
        }
        try await waitUntil("a repository out of sync") {
            try await Self.figure(own, "perigee_mirror_repositories_out_of_sync") == 1
        }
        try await waitUntil("a primary that knows") {
            let behind = try await Self.figure(
                http, "perigee_mirror_node_behind_seconds{\(label),node=\"node0\"}")
            return behind ?? 0 > 0
        }
    }

    @Test func `authenticate says who a caller is, and 400 and 401 why not`() async throws {
        let pair = try await MirrorPair.start(fill: Self.fill)
        let primary = pair.primary
        let identity = FarmIdentity(secret: MirrorPair.secret)
        try await primary.makeUser("reader")
        try await primary.grant("reader", "REPO_READ", project: "PRJ", repository: "app")
        let id =
            try await primary.http.get("/rest/api/latest/projects/PRJ/repos/app").json()["id"] ?? .null
        let target = "\(Self.root)/authenticate"
        func ask(_ body: PortableValue, key: SigningKey = identity.key) async throws -> HTTPAnswer {
            let bytes = try JSON.encode(body)
            let token = try RequestToken.sign(
                RequestDigest(method: "POST", target: target, body: bytes), issuer: pair.id, node: "n",
                key: key,
                now: Int64(Date().timeIntervalSince1970 * 1000))
            return try await primary.anonymous.send(
                "POST", target,
                headers: ["Authorization": "JWT \(token)", "Content-Type": "application/json"],
                body: Data(bytes))
        }
        let right: PortableValue = ["username": "reader", "password": "user-Passw0rd"]
        let known = try await ask(["credentials": right, "repositoryId": id])
        #expect(known.status == 200, "\(known.text)")
        let user = try known.json()
        #expect(user["name"] == "reader" && user["slug"] == "reader" && user["active"] == true)
        #expect(user["effectivePermissions"] == ["LICENSED_USER", "REPO_READ"])
        #expect(
            try await ask(["credentials": right]).json()["effectivePermissions"] == ["LICENSED_USER"])
        // Incomplete.
        for body: PortableValue in [
            [:], ["credentials": [:]], ["credentials": ["username": "reader"]],
            ["credentials": ["publicKey": "AAAA"]], ["credentials": right, "repositoryId": "x"],
        ] {
            let answer = try await ask(body)
            #expect(answer.status == 400, "\(body): \(answer.text)")
        }
        // Wrong: and the two ways are told apart by the name of the error.
        for wrong: PortableValue in [
            ["username": "reader", "password": "wrong"], ["username": "nobody", "password": "wrong"],
            ["token": "nonsense"], ["publicKey": "AAAA", "algorithm": "ssh-ed25519", "username": "git"],
        ] {
            let answer = try await ask(["credentials": wrong])
            #expect(answer.status == 401 && answer.text.contains("IncorrectPassword"), "\(answer.text)")
        }
        let forged = try await ask(["credentials": right], key: SigningKey())
        #expect(forged.status == 401 && !forged.text.contains("IncorrectPassword"))
        let plain = try await primary.http.post(target, ["credentials": right])
        #expect(plain.status == 401)
    }

    @Test func `the mirror's access log names the users whom the upstream knows`() async throws {
        let pair = try await MirrorPair.start(fill: Self.fill)
        let (primary, mirror) = (pair.primary, pair.mirrors[0])
        try await primary.makeUser("reader")
        try await primary.grant("reader", "REPO_READ", project: "PRJ", repository: "app")
        let target = "/scm/prj/app.git/info/refs?service=git-upload-pack"
        let answer = try await mirror.anonymous.basic("reader", "user-Passw0rd").get(target)
        #expect(answer.status == 200 && answer.header("X-AUSERNAME") == "reader")
        let wrong = try await mirror.anonymous.basic("admin", "wrong").get(target)
        #expect(wrong.status == 401 && wrong.header("X-AUSERNAME") == nil)
        try await waitUntil("a line that names the user", detail: { mirror.log }) {
            mirror.log.split(separator: "\n").contains {
                $0.contains("/scm/prj/app.git/info/refs") && $0.contains("status=200")
                    && $0.contains("user=reader")
            }
        }
        let lines = mirror.log.split(separator: "\n").filter {
            $0.contains("/scm/prj/app.git/info/refs") && $0.contains("status=401")
        }
        #expect(!lines.isEmpty && lines.allSatisfy { $0.contains("user=-") }, "\(lines)")
    }
}
